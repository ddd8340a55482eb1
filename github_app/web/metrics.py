"""Numbers for Prometheus, in its text format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from github_app.core.endings import ENDS
from github_app.core.judgements import Said
from github_app.core.traffic import Traffic

_TALLIED = {
    "flaky": "Checks that failed and then passed on the same commit.",
    "rerun": "Commits whose failed jobs were run again before the agent was asked.",
}
_STATES = ("new", "queued", "done", "ignored", "unreadable", "failed")
"""Told of the inbox also where they are 0: what Prometheus has not seen before does not rise for it."""
_ALIVE_S = 15.0
"""After a silence of so long a worker has lost its name."""


def metrics_text(
    *,
    inbox: Mapping[str, int],
    oldest_s: float,
    sessions: Mapping[str, int],
    waiting: int,
    silent_s: float,
    day_usd: float,
    turn_s: Mapping[float, float],
    secrets_removed: int,
    tallies: Mapping[str, int],
    workers: Mapping[str, tuple[float, int]],
    traffic: Traffic | None,
) -> str:
    """The inbox by state; the sessions by status, how many wait for a limit, and for how long one that is worked on has
    shown no sign; what the last day's turns cost, and by quantile how long they took; what this process kept from
    leaving; how turns ended and what became of failed checks in all; by name the workers, each with the seconds since
    its last heartbeat and how often its work was taken over (none where one process does all); and what this process
    asked of GitHub."""
    lines = ["# HELP honk_inbox Deliveries and own events, by state.", "# TYPE honk_inbox gauge"]
    lines += [
        f'honk_inbox{{state="{state}"}} {n}' for state, n in sorted((dict.fromkeys(_STATES, 0) | dict(inbox)).items())
    ]
    lines += ["# HELP honk_inbox_oldest_seconds How long the oldest row has waited that is not done."]
    lines += ["# TYPE honk_inbox_oldest_seconds gauge", f"honk_inbox_oldest_seconds {oldest_s:.0f}"]
    lines += ["# HELP honk_sessions Sessions, by status.", "# TYPE honk_sessions gauge"]
    lines += [f'honk_sessions{{status="{status}"}} {n}' for status, n in sorted(sessions.items())]
    lines += ["# HELP honk_sessions_waiting Sessions that wait until a rate limit ends."]
    lines += ["# TYPE honk_sessions_waiting gauge", f"honk_sessions_waiting {waiting}"]
    lines += _of_work(silent_s, day_usd, turn_s, tallies)
    lines += ["# HELP honk_secrets_removed_total Secrets in what this process was about to post or log."]
    lines += ["# TYPE honk_secrets_removed_total counter", f"honk_secrets_removed_total {secrets_removed}"]
    for name, meaning in _TALLIED.items():
        full = f"honk_checks_{name}_total"
        lines += [f"# HELP {full} {meaning}", f"# TYPE {full} counter", f"{full} {tallies.get(name, 0)}"]
    lines += _of_judge(tallies)
    if workers:
        lines += _of_workers({_as_label(name): told for name, told in sorted(workers.items())})
    if traffic is not None:
        lines += _of_traffic(traffic)
    return "\n".join(lines) + "\n"


def _of_work(silent_s: float, day_usd: float, turn_s: Mapping[float, float], tallies: Mapping[str, int]) -> list[str]:
    name = "honk_working_silent_seconds"
    lines = [f"# HELP {name} How long a session that is worked on has shown no sign, at most.", f"# TYPE {name} gauge"]
    lines += [f"{name} {silent_s:.0f}"]
    lines += ["# HELP honk_spent_day_usd Dollars that the turns begun within 24 hours have cost."]
    lines += ["# TYPE honk_spent_day_usd gauge", f"honk_spent_day_usd {day_usd:.6f}"]
    if turn_s:
        name = "honk_turn_duration_seconds"
        lines += [f"# HELP {name} From the decision to the end, of the turns begun within 24 hours that ended."]
        lines += [f"# TYPE {name} gauge"]
        lines += [f'{name}{{quantile="{each}"}} {seconds:.1f}' for each, seconds in sorted(turn_s.items())]
    lines += ["# HELP honk_turns_total Turns that ended, by how.", "# TYPE honk_turns_total counter"]
    lines += [f'honk_turns_total{{end="{end}"}} {tallies.get(f"turn_{end}", 0)}' for end in ENDS]
    name = "honk_effects_failed_total"
    lines += [f"# HELP {name} What was decided and could not be done, and was told to people."]
    return [*lines, f"# TYPE {name} counter", f"{name} {tallies.get('effect_failed', 0)}"]


def _of_judge(tallies: Mapping[str, int]) -> list[str]:
    lines = ["# HELP honk_judge_total What second looks said of change sets that were handed in."]
    lines += ["# TYPE honk_judge_total counter"]
    lines += [f'honk_judge_total{{said="{said}"}} {tallies.get(f"judge_{said}", 0)}' for said in get_args(Said)]
    name = "honk_judge_overruled_total"
    lines += [f"# HELP {name} Second looks against which a change went out unchanged, by the agent or by a person."]
    return [*lines, f"# TYPE {name} counter", f"{name} {tallies.get('judge_overruled', 0)}"]


def _of_workers(workers: Mapping[str, tuple[float, int]]) -> list[str]:
    alive = sum(age_s < _ALIVE_S for age_s, _ in workers.values())
    lines = ["# HELP honk_workers_alive Workers that gave a sign of life.", "# TYPE honk_workers_alive gauge"]
    lines += [f"honk_workers_alive {alive}"]
    lines += ["# HELP honk_worker_heartbeat_age_seconds Seconds since a worker's last sign of life."]
    lines += ["# TYPE honk_worker_heartbeat_age_seconds gauge"]
    lines += [
        f'honk_worker_heartbeat_age_seconds{{worker="{name}"}} {age_s:.1f}' for name, (age_s, _) in workers.items()
    ]
    lines += ["# HELP honk_worker_takeovers_total How often others took over what a worker had begun."]
    lines += ["# TYPE honk_worker_takeovers_total counter"]
    lines += [f'honk_worker_takeovers_total{{worker="{name}"}} {count}' for name, (_, count) in workers.items()]
    return lines


def _as_label(name: str) -> str:
    return name.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _of_traffic(traffic: Traffic) -> list[str]:
    counted = {
        "requests": (traffic.sent, "Requests that this process sent to GitHub."),
        "unchanged": (traffic.unchanged, "Answers that what we have still holds; GitHub does not count them."),
        "limited": (traffic.limited, "Answers that a rate limit is reached."),
        "kept_back": (traffic.kept_back, "Requests that were not sent, because a limit was known or its rest is kept."),
    }
    lines = []
    for name, (number, meaning) in counted.items():
        full = f"honk_github_{name}_total"
        lines += [f"# HELP {full} {meaning}", f"# TYPE {full} counter", f"{full} {number}"]
    left = "honk_github_budget_remaining"
    lines += [
        f"# HELP {left} Requests that are left of this hour, by installation (0: the app).",
        f"# TYPE {left} gauge",
    ]
    for (installation_id, resource), number in sorted(traffic.left.items()):
        lines.append(f'{left}{{installation="{installation_id}",resource="{resource}"}} {number}')
    return lines
