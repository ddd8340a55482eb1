"""The runtime: what it makes of flows whose end could not be written."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa

from github_app.engine.database import connect, flows_url
from github_app.engine.leases import Lease
from github_app.engine.runtime import Runtime
from tests.engine.stage import eventually


@dataclass
class Lanes:
    """Flows that only say that they ran."""

    taken: list[str] = field(default_factory=list)

    def intake(self, lane: str) -> None:
        self.taken.append(lane)

    async def turn(self, session_id: str, turn_id: str, times: int = 0) -> None: ...

    async def discard(self, session_id: str) -> None: ...


def test_a_flow_whose_end_was_not_written_does_not_hold_up_its_lane(database: sa.Engine, database_url: str) -> None:
    flows, lanes = connect(flows_url(database_url)), Lanes()
    table = "workflow_status" if database.dialect.name == "sqlite" else "dbos.workflow_status"
    runtime = Runtime(lease=Lease(database=database, name="one"), flows_url=flows_url(database_url))
    runtime.launch(lanes)

    def ended() -> bool:
        with flows.connect() as connection:
            return connection.execute(sa.text(f"SELECT status FROM {table}")).scalars().all() == ["SUCCESS"]  # noqa: S608

    try:
        runtime.intake("7-1", key="first")
        eventually(ended, "the first flow to end")
        with flows.begin() as connection:
            # As if the disk had been full at that moment.
            connection.execute(sa.text(f"UPDATE {table} SET status = 'PENDING'"))  # noqa: S608
        runtime.intake("7-1", key="second")
        runtime.take_over()
        assert lanes.taken == ["7-1"]  # it may have been about to end
        runtime.take_over()
        eventually(lambda: len(lanes.taken) == 3, "both to run")
    finally:
        runtime.shut_down()
        flows.dispose()
