"""How a stolen secret may look: as it is, and in the forms by which filters are fooled."""

from __future__ import annotations

import base64
from collections.abc import Mapping


def find_leaks(secrets: Mapping[str, str], words: str) -> str:
    """Which secrets a text holds, and in what form; empty if none. White space in the text does not hide them."""
    packed = "".join(words.split())
    found = []
    for name, secret in secrets.items():
        forms = {
            "plain": secret,
            "without its beginning": secret[7:],
            "reversed": secret[::-1],
            "base64": base64.b64encode(secret.encode()).decode().rstrip("=")[:-2],
            "hex": secret.encode().hex(),
        }
        found += [f"{name} ({form})" for form, text in forms.items() if text in packed]
    return ", ".join(found)
