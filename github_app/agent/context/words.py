"""Words of code and of people, made comparable: identifiers in parts, words without their endings."""

from __future__ import annotations

import re
from functools import lru_cache

TOKEN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*+")
"""A word or an identifier."""

HYPHENATED = re.compile(r"[A-Za-z][A-Za-z0-9]*+(?:-[A-Za-z0-9]++)++")
"""A name as files and options have them: `no-useless-catch`."""

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]++|[0-9]++")
_LONGEST = 80
_STOP = frozenset(
    re.findall(
        r"\w+",
        """
    a about after all also an and any are as at be because been before being but by can cannot could did do does
    doing done dont each either else etc even every for from get gets getting give given got had has have having
    he her here how however i if in instead into is isn it its itself just ll made make makes making many may me
    more most much my never no nor not now of off on once one only or other our out over own per same see she
    should since so some still such than that the their them then there these they this those through to too
    under until up upon us use used uses using very via was we were what when where whether which while who why
    will with within without would yet you your fix fixed fixes fixing bug bugs issue issues problem problems
    correct correctly incorrect incorrectly wrong wrongly regression now thanks thank patch release version
    reported pull request pr gh https http www com github org
        """,
    )
)


@lru_cache(maxsize=200_000)
def terms_of(identifier: str) -> tuple[str, ...]:
    """What an identifier is found by: itself in lower case, and its parts' stems where it has several."""
    if len(identifier) > _LONGEST:
        return ()
    parts = _PART.findall(identifier)
    whole = identifier.strip("_$").lower()
    if len(parts) < 2:
        return (stem(whole),) if len(whole) > 1 else ()
    stems = tuple(stem(part.lower()) for part in parts if len(part) > 1)
    return (joined(whole), *stems)


@lru_cache(maxsize=200_000)
def parts_of(name: str) -> tuple[str, ...]:
    """The stems of a name's parts."""
    return tuple(stem(part.lower()) for part in _PART.findall(name[:_LONGEST]) if len(part) > 1)


def joined(name: str) -> str:
    """A name of several words as one term, however these are put together."""
    return re.sub(r"[^A-Za-z0-9]", "", name).lower()[:_LONGEST]


def is_compound(identifier: str) -> bool:
    """Whether a word can only be an identifier: `snake_case`, `camelCase`."""
    return len(_PART.findall(identifier.strip("_$"))) > 1


def is_common(word: str) -> bool:
    """Whether a word says nothing of what an issue is about."""
    return word.lower() in _STOP


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """A lower-case word without the endings that English and code put to it."""
    for ending, least in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            return stem(word[: -len(ending)])
    return word


_ENDINGS = (
    ("ization", 3), ("isation", 3), ("ations", 4), ("ation", 4), ("izing", 3), ("ized", 3), ("izer", 3), ("ize", 3),
    ("ically", 4), ("ments", 4), ("ment", 4), ("ness", 4), ("ings", 4), ("ing", 4), ("ions", 4), ("ion", 4),
    ("ers", 4), ("er", 4), ("ors", 4), ("or", 4), ("ies", 3), ("ied", 3), ("es", 3), ("ed", 3), ("ly", 4), ("al", 4),
    ("s", 3), ("e", 3), ("y", 4),
)  # fmt: skip
