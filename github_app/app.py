"""Wiring: settings in, a running Honk out. With `workshop`, `thinking` and `registering`, the only file that names
concrete adapters; what is slow to import (FastAPI, PyGithub, DBOS, the model's SDK) is imported where it is built, so
that `honk --help` answers at once."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from github_app.adapters.clock import SystemClock
from github_app.core.merges import Merges
from github_app.core.ports import Fence, Model, Publisher, SecretScanner, Unfenced
from github_app.core.registration import CALLBACK_PATH
from github_app.core.reverts import Reverts
from github_app.core.tracing import Spans
from github_app.door import make_door, page_links
from github_app.settings import Settings
from github_app.talking import build_chat
from github_app.thinking import build_model, build_program, build_tool_hosts
from github_app.watching import build_spans, watched_model, watched_publisher
from github_app.workshop import build_scanner, build_workspaces, make_data_dir

if TYPE_CHECKING:
    from github_app.adapters.hub.github import GitHubHub
    from github_app.adapters.hub.signin import GitHubSignIn
    from github_app.adapters.repository.workspaces import LocalWorkspaces
    from github_app.adapters.runner.client import RemoteWorkspaces
    from github_app.adapters.vault import Vault
    from github_app.engine.admission import Admission
    from github_app.engine.flows import Engine
    from github_app.engine.inbox import GroupRecorder
    from github_app.engine.leases import Lease
    from github_app.engine.lookup import Lookup
    from github_app.engine.pauses import Pauses
    from github_app.engine.performance import Performance
    from github_app.engine.policies import Policies
    from github_app.engine.reconciliation import Reconciliation
    from github_app.engine.retention import Retention
    from github_app.engine.runtime import Runtime
    from github_app.engine.store import Store
    from github_app.engine.turns import TurnRunner
    from github_app.web.webhooks import Application


@dataclass(kw_only=True)
class Honk:
    """A built Honk: the worker, unless this process has none, and what makes the door, for the one that has it.

    `warm_ups` is what a worker needs sooner or later, and can wait for until it works.
    """

    store: Store
    recorder: GroupRecorder
    engine: Engine | None
    make_door: Callable[[], Application]
    close_traces: Callable[[], None] = lambda: None
    warm_ups: Sequence[Callable[[], None]] = ()

    def start(self) -> None:
        """Begin to record, and to work."""
        self.recorder.start()
        if self.engine is not None:
            self.engine.start()
        threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()

    def _warm_up(self) -> None:
        try:
            for warm_up in self.warm_ups:
                warm_up()
        finally:
            # What was imported and built until here stays for good: nobody need look through it for garbage again.
            gc.freeze()
            gc.enable()

    def stop(self) -> None:
        """Stop in the other order: what was recorded and not done is done after the next start."""
        if self.engine is not None:
            self.engine.stop()
        self.recorder.stop()
        self.close_traces()


def make_vault(settings: Settings) -> Vault:
    """What texts pass on their way out: it knows all secrets, and learns tokens."""
    from github_app.adapters.vault import Vault

    hooks = (each.decode("utf-8", "replace") for each in settings.webhook_secrets)
    known = [settings.private_key, settings.client_secret, settings.database_url, *settings.model_access.secrets]
    known += [*settings.mcp_tokens.values(), *hooks]
    known += [settings.slack.token, *settings.slack.secrets] if settings.slack is not None else []
    known += settings.traces.secrets if settings.traces is not None else ()
    return Vault(known, homes=(settings.github_url, settings.public_url))


def build(settings: Settings, vault: Vault, *, with_worker: bool = True) -> Honk:
    """Put everything together. Raises `Misconfigured` (`SandboxUnavailable`) with what to do about it."""
    from github_app.engine.inbox import GroupRecorder

    store = open_store(settings)
    spans, close_traces = build_spans(settings)
    engine, warm_ups = _build_engine(settings, store, vault, spans) if with_worker else (None, ())
    wake = engine.wake if engine is not None else lambda: None
    recorder = GroupRecorder(entries=store.entries, on_recorded=wake, spans=spans)
    return Honk(
        store=store,
        recorder=recorder,
        engine=engine,
        make_door=lambda: make_door(
            settings,
            store,
            lambda: vault.removed,
            recorder,
            engine,
            spans=spans,
            clean=vault.clean,
            build_hub=lambda: build_hub(settings, vault, Unfenced()),
            build_sign_in=lambda: _build_sign_in(settings),
        ),
        close_traces=close_traces,
        warm_ups=warm_ups,
    )


def open_store(settings: Settings) -> Store:
    """The store, its tables at the newest schema, and the audit. Raises `Misconfigured`, for a bad private key too."""
    from github_app.engine.audit import Audit
    from github_app.engine.database import connect
    from github_app.engine.migrations import migrate
    from github_app.engine.signing import seal_key
    from github_app.engine.store import Store

    make_data_dir(settings)
    database = connect(settings.database_url)
    migrate(database)
    clock = SystemClock()
    audit = Audit(database, clock, key=seal_key(settings.private_key))
    return Store(database, clock, audit, lessons_for=timedelta(days=settings.lesson_days))


def _build_engine(
    settings: Settings, store: Store, vault: Vault, spans: Spans
) -> tuple[Engine, Sequence[Callable[[], None]]]:
    """The worker, and what it can be warmed up with: the model's SDK takes two seconds to import, the scanner's rules
    one to compile."""
    from github_app.adapters.repository.merges import MirrorMerges
    from github_app.adapters.repository.reverts import MirrorReverts
    from github_app.engine.flows import Engine
    from github_app.engine.leases import Lease
    from github_app.engine.policies import Policies, read_floor
    from github_app.engine.tracing import Traces
    from github_app.engine.upkeep import Upkeep

    clock = SystemClock()
    lease = Lease(database=store.engine, name=settings.worker_id)
    hub = build_hub(settings, vault, lease, spans)
    policies = Policies(hub=hub, floor=read_floor(settings.policy_file, kept=timedelta(days=settings.keep_days)))
    admission = _build_admission(store, policies)
    runtime = _build_runtime(settings, lease)
    workspaces = build_workspaces(settings)
    publisher = watched_publisher(_publisher(settings, hub, workspaces, lease), spans)
    scanner = build_scanner(vault)
    model = build_model(settings, lease)
    reverts = MirrorReverts(git=workspaces.git, mirrors=workspaces.mirrors, hub=hub)
    merges = MirrorMerges(git=workspaces.git, mirrors=workspaces.mirrors, hub=hub)
    performance = _build_performance(
        settings, store, policies, hub, admission, publisher, reverts, merges, scanner, lease
    )
    engine = Engine(
        store=store,
        lookup=_build_lookup(settings, performance, admission),
        performance=performance,
        traces=Traces(database=store.engine, spans=spans),
        runner=_build_runner(settings, performance, admission, workspaces, model, spans),
        runtime=runtime,
        upkeep=Upkeep(
            store=store,
            reconciliation=_build_reconciliation(settings, store, hub, lease),
            runtime=runtime,
            clock=clock,
            checks_grace_s=settings.checks_grace_s,
        ),
        retention=_build_retention(settings, store, runtime, workspaces),
        discard_workspace=workspaces.discard,
        clock=clock,
        trigger_label=settings.trigger_label,
        take_in_chat=build_chat(settings, store, hub, hub.listing, vault),
    )
    return engine, (model.warm_up, scanner.warm_up)


def _build_lookup(settings: Settings, performance: Performance, admission: Admission) -> Lookup:
    from github_app.engine.lookup import Lookup

    clock = SystemClock()
    return Lookup(
        hub=performance.hub,
        database=performance.store.engine,
        policies=performance.policies,
        quotas=admission.quotas,
        pauses=admission.pauses,
        transcripts=performance.transcripts,
        clock=clock,
        trigger_label=settings.trigger_label,
        checks_grace_s=settings.checks_grace_s,
        checks_settle_s=settings.checks_settle_s,
        up_since=clock.now(),
    )


def _build_retention(
    settings: Settings, store: Store, runtime: Runtime, workspaces: LocalWorkspaces | RemoteWorkspaces
) -> Retention:
    from github_app.engine.retention import Ages, Retention

    return Retention(
        database=store.engine,
        forget_flows=runtime.forget,
        tidy=lambda idle_s: workspaces.tidy(idle_s=idle_s, max_bytes=int(settings.cache_gb * 1e9)),
        clock=SystemClock(),
        ages=Ages.of_days(settings.keep_days, lessons_for=timedelta(days=settings.lesson_days)),
    )


def _build_reconciliation(settings: Settings, store: Store, hub: GitHubHub, lease: Lease) -> Reconciliation:
    from github_app.engine.looks import Looks
    from github_app.engine.reconciliation import Reconciliation

    return Reconciliation(
        store=store,
        hub=hub,
        listing=hub.listing,
        looks=Looks(store.engine, SystemClock(), lease),
        clock=SystemClock(),
        trigger_label=settings.trigger_label,
        furthest=timedelta(days=0.9 * settings.keep_days),
    )


def _build_performance(
    settings: Settings,
    store: Store,
    policies: Policies,
    hub: GitHubHub,
    admission: Admission,
    publisher: Publisher,
    reverts: Reverts,
    merges: Merges,
    scanner: SecretScanner,
    fence: Fence,
) -> Performance:
    from github_app.engine.delivering import Delivery
    from github_app.engine.performance import Performance
    from github_app.engine.shipping import Shipper
    from github_app.engine.transcripts import Transcripts

    links, merger = page_links(settings), hub.merger if policies.floor.allows_ship else None
    return Performance(
        hub=hub,
        policies=policies,
        publisher=publisher,
        reverts=reverts,
        merges=merges,
        scanner=scanner,
        store=store,
        transcripts=Transcripts(store.engine, SystemClock(), store.audit),
        pauses=admission.pauses,
        shipper=Shipper(hub=hub, store=store, pauses=admission.pauses, merger=merger),
        delivery=Delivery(builds=hub.builds, policies=policies, links=links, clock=SystemClock()),
        pages=links,
        fence=fence,
    )


def open_pauses(store: Store) -> Pauses:
    """The switch that pauses Honk."""
    from github_app.engine.pauses import Pauses

    return Pauses(database=store.engine, clock=SystemClock())


def _build_admission(store: Store, policies: Policies) -> Admission:
    from github_app.engine.admission import Admission
    from github_app.engine.quotas import Quotas

    quotas = Quotas(database=store.engine, clock=SystemClock(), floor=policies.floor)
    return Admission(hub=policies.hub, quotas=quotas, pauses=open_pauses(store))


def _build_runner(
    settings: Settings,
    performance: Performance,
    admission: Admission,
    workspaces: LocalWorkspaces | RemoteWorkspaces,
    model: Model,
    spans: Spans,
) -> TurnRunner:
    from github_app.engine.turns import TurnRunner
    from github_app.surveying import Surveyor

    return TurnRunner(
        hub=performance.hub,
        policies=performance.policies,
        store=performance.store,
        transcripts=performance.transcripts,
        admission=admission,
        workspaces=workspaces,
        merges=performance.merges,
        contexts=Surveyor(mirror=workspaces.mirrors.path),
        model=watched_model(settings, model, spans),
        scanner=performance.scanner,
        model_name=settings.model,
        judge_name=settings.judge_model,
        tool_hosts=build_tool_hosts(settings),
        program=build_program(settings),
        spans=spans,
        pages=performance.pages,
        clock=SystemClock(),
    )


def build_hub(settings: Settings, vault: Vault, fence: Fence, spans: Spans | None = None) -> GitHubHub:
    """GitHub, as the settings name it."""
    from github_app.adapters.hub.github import GitHubHub

    return GitHubHub(
        app_id=settings.app_id,
        private_key=settings.private_key,
        api_url=settings.github_api_url,
        graphql_url=settings.github_graphql_url,
        ca_file=settings.ca_file,
        web_url=settings.github_url,
        pause_s=settings.write_pause_s,
        vault=vault,
        fence=fence,
        spans=spans,
    )


def _build_sign_in(settings: Settings) -> GitHubSignIn:
    from github_app.adapters.hub.signin import GitHubSignIn

    return GitHubSignIn(
        web_url=settings.github_url,
        api_url=settings.github_api_url,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        return_url=f"{settings.public_url}{CALLBACK_PATH}",
        ca_file=settings.ca_file,
    )


def _build_runtime(settings: Settings, lease: Lease) -> Runtime:
    from github_app.engine.database import flows_url
    from github_app.engine.runtime import Capacity, Runtime

    return Runtime(
        lease=lease,
        flows_url=flows_url(settings.database_url),
        capacity=Capacity(turns=settings.turns, turns_per_repo=settings.turns_per_repo),
    )


def _publisher(
    settings: Settings, hub: GitHubHub, workspaces: LocalWorkspaces | RemoteWorkspaces, fence: Fence
) -> Publisher:
    if settings.publish == "api":
        return hub
    from github_app.adapters.repository.publisher import PushPublisher

    return PushPublisher(git=workspaces.git, mirrors=workspaces.mirrors, hub=hub, vault=hub.vault, fence=fence)


def permissions_used() -> dict[str, str]:
    """What the app must be granted, from what its calls name: the higher level where they differ."""
    from github_app.adapters.hub.permissions import PERMISSIONS

    granted: dict[str, str] = {}
    for wanted in PERMISSIONS.values():
        for name, level in wanted.items():
            granted[name] = max(granted.get(name, ""), level)  # "write" sorts after "read"
    return granted


def subscribed_events() -> tuple[str, ...]:
    """The webhook events that the app must be subscribed to."""
    from github_app.webhook.delivery import SUBSCRIBED

    return tuple(SUBSCRIBED)
