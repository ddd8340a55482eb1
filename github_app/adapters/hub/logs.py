"""What a failed check said: what matters of its job's log, else its annotations, else its summary. Untrusted text, and
short: what does not fit a prompt helps nobody."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable
from typing import Protocol
from urllib.parse import urljoin

import requests
from github.Repository import Repository

from github_app.adapters.hub.clients import RepoClient
from github_app.core.distill.distillate import distill
from github_app.core.errors import AccessDenied, Gone, RateLimited, Transient

log = logging.getLogger(__name__)

BYTES = 16 * 1024
DOWNLOAD_BYTES = 64 * 1024 * 1024
"""Of a log longer than this only the beginning is looked at."""

DOWNLOAD_S = 30.0
KEEP_BYTES = 512 * 1024
CONNECT_READ_S = (5, 15)

_ERROR = b"##[error]"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Failed(Protocol):
    """What is read of a failed check run."""

    @property
    def id(self) -> int: ...
    @property
    def is_actions(self) -> bool: ...
    @property
    def title(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def annotations(self) -> int: ...


def explain_failure(client: RepoClient, run: Failed) -> str:
    """Return what can be had about a failed check, best first; empty if only its page can tell.

    Logs expire, are forbidden or belong to other services: none of that is an error. `RateLimited` is raised.
    """
    try:
        raw = read_job_log(client, run.id) if run.is_actions else b""
        text = read_log(raw)
        if text and run.annotations and _ERROR not in raw:
            # Cut off before its end: why (the runner was lost, time ran out) is said beside it.
            return "\n".join((text, _annotations(client, run.id)))
        return text or (_annotations(client, run.id) if run.annotations else "") or _output(run)
    except RateLimited:
        raise
    except (Gone, AccessDenied, Transient) as error:
        log.info("what check run %s said cannot be read: %s", run.id, error)
        return _output(run)


def read_job_log(client: RepoClient, job_id: int) -> bytes:
    """Return the end of a job's log, empty if there is none. A job of GitHub Actions has its check run's id.

    https://docs.github.com/rest/actions/workflow-jobs#download-job-logs-for-a-workflow-run
    """

    def ask(it: Repository) -> str:
        # Not by PyGithub's `logs_url`, which sends a body with a GET.
        headers, _ = it.requester.requestJsonAndCheck("GET", f"{it.url}/actions/jobs/{job_id}/logs")
        return urljoin(it.requester.base_url, str(headers.get("location", "")))

    try:
        url = client.read(ask, what=f"log of job {job_id}")
        return _download_end(url, verify=client.verify)
    except (Gone, AccessDenied, requests.RequestException) as error:
        log.info("log of job %s cannot be read: %s", job_id, type(error).__name__)
        return b""


def read_log(raw: bytes) -> str:
    """Return what matters of a log; empty for what is none."""
    if raw.startswith(b"PK\x03\x04") or b"\x00" in raw:
        return ""
    return distill(raw).text


def _download_end(url: str, *, verify: str | bool) -> bytes:
    """Fetch the end of a file from a signed address. Our token is for the API's host only and is not sent there."""
    kept = b""
    seen = 0
    deadline = time.monotonic() + DOWNLOAD_S
    with requests.get(url, stream=True, timeout=CONNECT_READ_S, auth=_no_auth, verify=verify) as response:
        response.raise_for_status()
        for chunk in response.iter_content(65_536):
            kept = (kept + chunk)[-KEEP_BYTES:]
            seen += len(chunk)
            if seen > DOWNLOAD_BYTES or time.monotonic() > deadline:
                break
    return kept


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep `requests` from looking for credentials in ~/.netrc."""
    return request


def _annotations(client: RepoClient, run_id: int) -> str:
    def ask(it: Repository) -> list[str]:
        found = it.get_check_run(run_id).get_annotations().get_page(0)
        return [f"{each.path}:{each.start_line}: {each.annotation_level}: {each.message}" for each in found]

    return _head(client.read(ask, what=f"annotations of check run {run_id}"))


def _output(run: Failed) -> str:
    return _head(part for part in (run.title, run.summary, run.text) if part)


def _head(lines: Iterable[str]) -> str:
    text = _CONTROL.sub("", "\n".join(lines)).encode()
    return text[:BYTES].decode("utf-8", errors="ignore") + ("…" if len(text) > BYTES else "")
