"""A worker's name belongs to one living process, and to nobody once that is dead."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from github_app.core.errors import Misconfigured
from github_app.engine.database import connect
from github_app.engine.slots import take_slot, try_slot

_HOLD = """
import sys
from github_app.engine.database import connect
from github_app.engine.slots import take_slot
slot = take_slot(connect(sys.argv[1]), "one")
print("held", flush=True)
sys.stdin.read()
"""


def test_two_workers_of_one_name_are_refused_and_of_two_names_are_not(database_url):
    here, there = connect(database_url), connect(database_url)
    one, two = take_slot(here, "one"), take_slot(there, "two")
    with pytest.raises(Misconfigured, match="HONK_WORKER_ID"):
        take_slot(there, "one", wait_s=0.2)
    assert try_slot(there, "one") is None
    one.release()
    again = try_slot(there, "one")
    assert again is not None
    for slot in (two, again):
        slot.release()
    here.dispose()
    there.dispose()


def test_the_name_of_a_killed_process_is_free_at_once(database_url):
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, database_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    engine = connect(database_url)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert try_slot(engine, "one") is None
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        slot = take_slot(engine, "one", wait_s=10)
        slot.release()
    finally:
        holder.kill()
        holder.communicate()
        engine.dispose()
