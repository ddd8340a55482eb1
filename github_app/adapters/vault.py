"""What this process knows that nobody may read: the operator's secrets, and each token while it lives. All texts that
leave for GitHub or a log pass here."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from github_app.core.text.prose import defang
from github_app.core.text.redaction import Redactor

log = logging.getLogger(__name__)

_TIDY_EVERY_S = 600.0
"""A token takes some 50 KB of what is looked for; those that have ended are forgotten at this interval."""


class Vault:
    """Known secrets, and their removal. Safe to share between threads. `clock` gives seconds since 1970.

    `homes` are where links may lead (addresses such as `https://github.com`). Of a PEM key among the values the base64
    is meant, of a database's address the password.
    """

    def __init__(
        self, values: Iterable[str] = (), *, homes: Sequence[str] = (), clock: Callable[[], float] = time.time
    ) -> None:
        self._homes = homes
        self._clock = clock
        self._lock = threading.Lock()
        self._lasting = Redactor.of(map(_secret_in, values))
        self._tokens: dict[str, float] = {}
        self._tidied_at = clock()
        self.redactor = self._lasting
        """Knows all that is known now."""
        self.removed = 0
        """How many secrets were found in what was about to leave."""

    def remember(self, token: str, *, until: float) -> None:
        """Know a token, at least until it ends."""
        with self._lock:
            now = self._clock()
            self._tokens[token] = until
            if now - self._tidied_at < _TIDY_EVERY_S:
                self.redactor = self.redactor.plus(Redactor.of([token]))
                return
            self._tidied_at = now
            self._tokens = {each: end for each, end in self._tokens.items() if end > now}
            self.redactor = self._lasting.plus(Redactor.of(self._tokens))

    def clean(self, text: str, *, shapes: bool = True) -> str:
        """A text without secrets; with `shapes`, also without what only looks like one."""
        shown, count = self.redactor.redact(text, shapes=shapes)
        if count:
            with self._lock:
                self.removed += count
        return shown

    def fit(self, text: str, *, of: str, is_markdown: bool = True) -> str:
        """Words about to be posted, without secrets and without links that lead elsewhere.

        That there were secrets is logged; `of` says in what.
        """
        shown = self.clean(text)
        if shown != text:
            log.warning("secrets removed", extra={"of": of})
        # Last: the note in a secret's place stands in brackets, and they must not become those of a link.
        return defang(shown, homes=self._homes, is_markdown=is_markdown)

    def clean_request(self, value: Any) -> Any:
        """A request's JSON without the secrets that are known, whoever wrote what else is in it."""
        return _texts(value, lambda text: self.clean(text, shapes=False))

    def clean_log(self, value: Any) -> Any:
        """A log line's JSON without secrets."""
        return _texts(value, self.clean)


def _secret_in(value: str) -> str:
    if "-----BEGIN" in value:
        return "".join(line for line in value.splitlines() if not line.startswith("-----"))
    return unquote(urlsplit(value).password or "") if "://" in value else value


def _texts(value: Any, clean: Callable[[str], str]) -> Any:
    match value:
        case str():
            return clean(value)
        case Mapping():
            return {key: _texts(each, clean) for key, each in value.items()}
        case list() | tuple():
            return [_texts(each, clean) for each in value]
        case _:
            return value
