"""Names for addresses."""


def slug(title):
    """The title in small letters and digits, with single dashes between its words; `-` if nothing else is left."""
    kept = "".join(each if each.isalnum() or each in " -" else "" for each in title.lower())
    return "-".join(kept.replace("-", " ").split()) or "-"
