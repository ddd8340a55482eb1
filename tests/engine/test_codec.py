"""Whatever the core can say survives the store, also in documents of an older or newer version."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_app.core.effects import Effect
from github_app.core.events import OwnEvent, Published
from github_app.core.model import ChangeSet, FileChange, Merged, Repo
from github_app.core.ports import Step
from github_app.core.session import Session
from github_app.engine import codec
from github_app.engine.codec import FromNewer
from tests.engine.values import REPO, a_session

# PostgreSQL keeps no NUL, JSON no lone surrogate; neither comes through the door (webhook) or from a tool (agent).
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
JSON_BLOCKS = st.dictionaries(TEXTS, st.recursive(TEXTS | st.integers() | st.booleans() | st.none(), st.lists))
NAMED = [*get_args(OwnEvent), *get_args(Effect)]

st.register_type_strategy(str, TEXTS)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
st.register_type_strategy(dict, JSON_BLOCKS)


@pytest.mark.parametrize("kind", NAMED, ids=lambda kind: kind.__name__)
def test_every_event_of_ours_and_every_effect_comes_back_as_it_was(kind):
    @given(st.from_type(kind))
    def comes_back(value):
        assert codec.load_named(kind.__name__, codec.dump(value)) == value

    comes_back()


@given(st.from_type(Session))
def test_every_session_comes_back_as_it_was(session):
    assert codec.load_session(codec.dump(session)) == session


@given(st.from_type(Repo))
def test_every_repository_comes_back_as_it_was(repo):
    assert codec.load_repo(codec.dump(repo)) == repo


@given(st.builds(Step, content=st.lists(JSON_BLOCKS, max_size=3).map(tuple)))
def test_every_step_comes_back_as_it_was(step):
    assert codec.load_step(codec.dump(step)) == step


PATHS = st.text(min_size=1, max_size=30)
CHANGES = st.builds(
    FileChange,
    path=PATHS,
    mode=st.sampled_from(["100644", "100755", "120000"]),
    content=st.none() | st.binary(max_size=200),
)


@given(st.lists(CHANGES, max_size=5).map(tuple))
def test_every_change_set_comes_back_as_it_was_and_is_always_the_same_bytes(changes):
    change_set = ChangeSet(base_sha="b" * 40, changes=changes)
    data = codec.dump_changes(change_set)
    assert codec.load_changes(data) == change_set
    assert codec.dump_changes(codec.load_changes(data)) == data


def test_the_bytes_of_a_change_set_are_the_same_in_every_version():
    """Blobs are named by their content: other bytes for the same work would be another blob."""
    change_set = ChangeSet(
        base_sha="abc",
        changes=(
            FileChange(path="ä.py", mode="100755", content=b"\xff"),
            FileChange(path="gone", mode="100644", content=None),
        ),
    )
    assert codec.dump_changes(change_set) == (
        b'{"base_sha":"abc","changes":[{"path":"\\u00e4.py","mode":"100755","content":"/w=="},'
        b'{"path":"gone","mode":"100644","content":null}]}'
    )


def test_what_the_base_had_comes_back_too():
    change = FileChange(path="a", mode="100755", content=b"x", base_mode="100644")
    [loaded] = codec.load_changes(codec.dump_changes(ChangeSet(base_sha="abc", changes=(change,)))).changes
    assert loaded.base_mode == "100644"


def test_what_a_merge_is_made_of_comes_back_too():
    merge = ChangeSet(base_sha="e" * 40, merged=Merged(head_sha="1" * 40, base_sha="7" * 40))
    assert codec.load_changes(codec.dump_changes(merge)) == merge


def test_a_session_of_an_older_version_loads_with_defaults_for_what_is_new():
    needed = {
        "id": "7-1-1",
        "repo": {"id": 7, "full_name": "acme/thing", "installation_id": 3, "default_branch": "main"},
        "issue_number": 1,
        "generation": 1,
        "branch": "honk/1-make-it-two",
        "base_branch": "main",
        "status": "working",
        "requested_by": {"id": 1, "login": "ann"},
        "issue_title": "Make it two",
    }
    session = codec.load_session(json.dumps(needed))
    assert (session.repo, session.feedback, session.version) == (REPO, (), 0)


def test_what_a_newer_version_added_does_not_stop_an_older_one():
    """While a deploy is under way, or after it was taken back, both versions read the same rows."""
    document = json.loads(codec.dump(a_session())) | {"from_the_future": {"x": 1}}
    assert codec.load_session(json.dumps(document)) == a_session()


def test_what_a_newer_version_added_to_a_session_stays_when_an_older_one_writes_it():
    newer = json.loads(codec.dump(a_session())) | {"from_the_future": {"x": 1}}
    written = json.loads(codec.dump_over(a_session(turns=2), json.dumps(newer)))
    assert (written["turns"], written["from_the_future"]) == (2, {"x": 1})
    assert codec.dump_over(a_session(), codec.dump(a_session(turns=2))) == codec.dump(a_session())


def test_a_name_that_is_neither_event_nor_effect_is_left_to_newer_versions():
    with pytest.raises(FromNewer, match="knows no Session"):
        codec.load_named("Session", codec.dump(a_session()))


def test_a_document_of_another_shape_is_left_to_newer_versions():
    published = Published(id="p", session_id="s", turn_id="t", head_sha="h", pull_number=1)
    with pytest.raises(FromNewer, match="cannot read this Published"):
        codec.load_named("Published", codec.dump(published).replace(":1", ':"one"'))
