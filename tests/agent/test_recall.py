"""The set of fixes that the ranking is measured on, and how fixes are read from changelogs."""

from __future__ import annotations

from bench.recall.__main__ import cases
from bench.recall.changelogs import clean, single_fixes
from bench.recall.collect import changed_sources, is_source, part_of

LOG = """\
Changes
=======

2.0.1 (2024-05-01)
------------------

- Fixed a crash of ``Cart.total``
  when the cart is empty. (#12) [ann]

2.0.0 (2024-04-01)
------------------

- Fixed this error.
- Fixed that error.

## 1.9 (2023-01-01)

- Update documentation of the fix for an error.
"""


def test_only_versions_with_one_fix_count():
    (entry,) = single_fixes(LOG, ["1.9", "2.0.0", "2.0.1"])
    assert (entry.version, entry.text) == ("2.0.1", "Fixed a crash of ``Cart.total``\nwhen the cart is empty.")


def test_credits_and_references_are_taken_out():
    assert clean("Fix `a[0]` of x ([#5](https://x.example/5)). Thanks @ann!") == "Fix `a[0]` of x ."


def test_the_truth_is_source_that_changed_for_more_than_its_version():
    old = {"a.py": b"x = 1\n", "v.py": b"V = '1.0.0'\n", "tests/test_a.py": b"1", "gone.py": b"1", "docs/a.py": b"1"}
    new = {"a.py": b"x = 2\n", "v.py": b"V = '1.0.1'\n", "tests/test_a.py": b"2", "new.py": b"1", "docs/a.py": b"2"}
    assert changed_sources(old, new, ("1.0.0", "1.0.1")) == ("a.py",)


def test_a_hundred_fixes_and_more_are_reported_and_none_of_their_projects_is_tuned_on():
    reported, tuning = cases("reported"), cases("tuning")
    assert len(reported) >= 100
    assert len({case.project for case in reported}) >= 20
    assert not {case.project for case in reported} & {case.project for case in tuning}
    assert all(part_of(case.project) == case.part for case in (*reported, *tuning))
    assert all(case.truth and all(map(is_source, case.truth)) for case in (*reported, *tuning))
