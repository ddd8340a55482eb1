"""Numbers for Prometheus, in its text format."""

from __future__ import annotations

from collections.abc import Mapping


def metrics_text(
    *, inbox: Mapping[str, int], oldest_s: float, sessions: Mapping[str, int], secrets_removed: int
) -> str:
    """The inbox by state, the sessions by status, and what this process kept from leaving."""
    lines = ["# HELP honk_inbox Deliveries and own events, by state.", "# TYPE honk_inbox gauge"]
    lines += [f'honk_inbox{{state="{state}"}} {n}' for state, n in sorted(inbox.items())]
    lines += ["# HELP honk_inbox_oldest_seconds How long the oldest row has waited that is not done."]
    lines += ["# TYPE honk_inbox_oldest_seconds gauge", f"honk_inbox_oldest_seconds {oldest_s:.0f}"]
    lines += ["# HELP honk_sessions Sessions, by status.", "# TYPE honk_sessions gauge"]
    lines += [f'honk_sessions{{status="{status}"}} {n}' for status, n in sorted(sessions.items())]
    lines += ["# HELP honk_secrets_removed_total Secrets in what this process was about to post or log."]
    lines += ["# TYPE honk_secrets_removed_total counter", f"honk_secrets_removed_total {secrets_removed}"]
    return "\n".join(lines) + "\n"
