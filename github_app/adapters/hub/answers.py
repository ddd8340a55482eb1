"""Answers that we have already: GitHub says in a few bytes that one still holds, and does not count the question.

https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 32 * 1024 * 1024
MAX_ANSWER_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer, with what it is recognised by."""

    etag: str
    headers: dict[str, Any]
    body: str

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return 2 * len(self.body) + 2_048


class Answers:
    """The answers that were asked for last, up to a size. Safe to share between threads.

    The key holds who asked, with which permissions and about what: nobody is given another's answer.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, Answer] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable) -> Answer | None:
        """The answer that is held."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def keep(self, key: Hashable, answer: Answer) -> None:
        """Hold an answer instead of the one before; what nobody has asked for the longest goes."""
        with self._lock:
            before = self._held.pop(key, None)
            self._size -= before.size if before else 0
            if len(answer.body) > MAX_ANSWER_BYTES:
                return
            self._held[key] = answer
            self._size += answer.size
            while self._size > self._max_bytes:
                self._size -= self._held.popitem(last=False)[1].size
