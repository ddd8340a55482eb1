"""What looks like a secret, by the rules of Kingfisher: hundreds of kinds of keys by their form, also in base64. It
works in this process, never asks anybody whether a key is valid, and hands no value out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from github_app.adapters.vault import Vault
from github_app.core.ports import Sighting

if TYPE_CHECKING:
    from kingfisher_sdk import Scanner


@dataclass(kw_only=True)
class PatternScanner:
    """A `SecretScanner`. Rules are compiled once for each user of a machine, and kept in that user's cache.

    Of what is in the vault each value is found, in any of its disguises, and told to be ours.
    """

    vault: Vault = field(default_factory=Vault)
    _scanner: Scanner | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def warm_up(self) -> None:
        """Compile the rules, so that the first scan does not have to."""
        self._ready()

    def scan(self, content: bytes) -> tuple[Sighting, ...]:
        """What looks like a secret, in order, each once."""
        found = (finding for finding in self._ready().scan(content) if finding.visible)
        seen = {
            Sighting(
                line=finding.location["line"],
                last_line=finding.location["end_line"],
                what=f"what looks like a secret ({finding.rule_id.rpartition('.')[2]})",
            )
            for finding in found
        }
        return tuple(sorted(seen.union(self._ours(content)), key=lambda sighting: (sighting.line, sighting.what)))

    def _ours(self, content: bytes) -> Iterator[Sighting]:
        text = content.decode("utf-8", "replace")
        for start, end in self.vault.redactor.find(text, shapes=False):
            first = text.count("\n", 0, start) + 1
            last = first + text.count("\n", start, end)
            yield Sighting(line=first, last_line=last, what="a secret of Honk's own", is_ours=True)

    def _ready(self) -> Scanner:
        with self._lock:
            if self._scanner is None:
                from kingfisher_sdk import DetectionPolicy, Rules, Scanner

                # Nothing in a file may talk the scanner out of looking: no comments that allow, no lax places.
                policy = DetectionPolicy(inline_ignores=False, markup_context=False)
                rules = Rules(confidence="medium")
                self._scanner = Scanner(rules, redact=True, policy=policy)
            return self._scanner
