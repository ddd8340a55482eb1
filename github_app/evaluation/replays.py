"""`honk replay SESSION`: a session's first turn again, with another prompt or model, and how the two differ."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from string import Template

from rich.console import Console

from github_app.agent.templates import read_templates, replacing
from github_app.app import build_hub, make_vault, open_store
from github_app.core.errors import Refused
from github_app.core.ports import Unfenced, Workspace
from github_app.core.session import Session
from github_app.engine.policies import read_floor
from github_app.engine.rerun import Conditions, Recorded, Run, read_first_turn, run_again
from github_app.engine.transcripts import Transcripts
from github_app.evaluation.comparison import Comparison, as_json, print_comparison
from github_app.settings import Settings, read_settings
from github_app.thinking import build_model
from github_app.workshop import build_scanner, build_workspaces, system_clock


def replay(session_id: str, *, prompts: Path | None, model: str, is_json: bool) -> int:
    """Run the first turn of a session again and print how it differs. Nothing on GitHub and nothing in the store is
    changed; GitHub is asked only for commits that are not on this disk. Raises `Refused`, `Misconfigured`."""
    replaced: Mapping[str, Template] = read_templates(prompts) if prompts is not None else {}
    settings = read_settings()
    store = open_store(settings)
    session = store.session(session_id)
    if session is None:
        raise Refused(f"there is no session `{session_id}`; `honk sessions` lists them")
    recorded = read_first_turn(store, Transcripts(store.engine, system_clock(), store.audit), session)
    with replacing(replaced):
        now, difference = asyncio.run(_run_again(settings, recorded, session, model or settings.model))
    comparison = Comparison(
        turn_id=recorded.turn_id, prompts=tuple(replaced), then=recorded.run, now=now, difference=difference
    )
    if is_json:
        print(as_json(comparison), end="")
    else:
        print_comparison(comparison, Console(highlight=False, soft_wrap=True))
    return 0


async def _run_again(settings: Settings, recorded: Recorded, session: Session, model_name: str) -> tuple[Run, str]:
    vault = make_vault(settings)
    hub = build_hub(settings, vault, Unfenced())
    workspaces = build_workspaces(settings)
    conditions = Conditions(
        model=build_model(settings, Unfenced()),
        model_name=model_name,
        judge_name=settings.judge_model,
        scanner=build_scanner(vault),
        floor=read_floor(settings.policy_file, kept=timedelta(days=settings.keep_days)),
        clock=system_clock(),
    )
    keys: set[str] = set()

    async def open_at(sha: str, word: str) -> Workspace:
        key = f"{session.id}-replay-{word}"
        keys.add(key)
        return await workspaces.open(session.repo, sha, key, auth=lambda: hub.git_auth(session.repo))

    try:
        return await run_again(recorded, session, conditions, open_at)
    finally:
        for key in keys:
            await workspaces.discard(key)
