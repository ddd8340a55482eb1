"""Names for addresses."""


def slug(title):
    """The title in small letters and digits, with dashes between its words."""
    kept = "".join(each if each.isalnum() or each in " -" else "" for each in title.lower())
    return kept.replace(" ", "-") or "-"
