# ruff: noqa: E501 - a row of a table is a line
"""Tests and checks that say less than before are found; honest work on tests is not.

The tables are the measure: each row is one small change of a repository, weakened or not, in the words of its language.
"""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

import pytest

from github_app.core.changes.findings import find_findings, paths_to_compare
from github_app.core.holds import Finding
from github_app.core.model import ChangeSet, FileChange
from github_app.core.policy import Policy

Files = Mapping[str, str | None]


def change_set(before: Files, after: Files) -> ChangeSet:
    """The change from some files to others; what is not named after is as it was."""
    changes = []
    for path in sorted(after):
        content = after[path]
        changes.append(
            FileChange(
                path=path,
                mode="100644",
                content=None if content is None else dedent(content).encode(),
                base_mode="100644" if path in before else None,
            )
        )
    return ChangeSet(base_sha="b" * 40, changes=tuple(changes))


def weakened(before: Files, after: Files) -> list[Finding]:
    changes = change_set(before, after)
    known = {path: dedent(before[path] or "").encode() for path in paths_to_compare(changes, {})}
    findings = find_findings(changes, Policy(protected=()), before=known, sightings={})
    return [finding for finding in findings if finding.kind == "tests"]


PY = """
import pytest

def test_adds():
    assert add(1, 2) == 3
    assert add(0, 0) == 0

class TestMore:
    def test_fails(self):
        with pytest.raises(ValueError, match="no"):
            add("a", 1)

    @pytest.mark.parametrize("x", [1, 2, 3])
    def test_many(self, x):
        assert add(x, 0) == x

def test_close():
    assert add(0.1, 0.2) == pytest.approx(0.3, rel=1e-6)
"""
UNIT = """
import unittest

class AddTest(unittest.TestCase):
    def test_adds(self):
        self.assertEqual(add(1, 2), 3)
        self.assertIn(3, [add(1, 2)])
        self.assertAlmostEqual(add(0.1, 0.2), 0.3, places=7)
"""
JS = """
describe('add', () => {
  it('adds two', () => {
    expect(add(1, 2)).toBe(3);
    expect(add(0, 0)).toEqual(0);
  });
  it('throws', () => {
    expect(() => add('a')).toThrow(TypeError);
  });
});
"""
GO = """
package add

func TestAdd(t *testing.T) {
	if got := Add(1, 2); got != 3 {
		t.Errorf("got %d", got)
	}
}

func TestZero(t *testing.T) {
	assert.Equal(t, 0, Add(0, 0))
}
"""
RUST = """
pub fn add(a: i32, b: i32) -> i32 { a + b }

#[cfg(test)]
mod tests {
    #[test]
    fn adds() {
        assert_eq!(add(1, 2), 3);
    }

    #[test]
    #[should_panic(expected = "overflow")]
    fn overflows() {
        add(i32::MAX, 1);
    }
}
"""
JAVA = """
class AddTest {
    @Test
    void adds() {
        assertEquals(3, add(1, 2));
    }

    @Test
    void fails() {
        assertThrows(IllegalArgumentException.class, () -> add(null, 1));
    }
}
"""
RUBY = """
describe Adder do
  it "adds" do
    expect(add(1, 2)).to eq(3)
  end

  it "is there" do
    expect(adder).not_to be_nil
  end
end
"""
SHARP = """
public class AddTests {
    [Fact]
    public void Adds() {
        Assert.Equal(3, Add(1, 2));
    }
}
"""
PHP = """<?php
class AddTest extends TestCase {
    public function testAdds() {
        $this->assertSame(3, add(1, 2));
    }
}
"""
PYPROJECT = """
[project]
requires-python = ">=3.11"
dependencies = ["requests>=2.32", "attrs==24.1.0"]

[tool.pytest.ini_options]
addopts = "-ra --strict-markers"
testpaths = ["tests", "integration"]
xfail_strict = true

[tool.coverage.report]
fail_under = 95

[tool.mypy]
strict = true
"""
PACKAGE = """{
  "scripts": {
    "test": "jest --ci --coverage && eslint .",
    "lint": "eslint --max-warnings 0 ."
  },
  "engines": {"node": ">=20"},
  "devDependencies": {
    "jest": "^29.7.0"
  },
  "jest": {
    "coverageThreshold": {"global": {
      "branches": 90,
      "lines": 95
    }}
  }
}
"""
MAKE = """
test:
	pytest -q
	mypy src

clean:
	rm -rf build
"""
WORKFLOW_LIKE = """
#!/bin/sh
set -e
pytest -q
npm test
"""


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def without(text: str, first: str, last: str) -> str:
    """The text without the lines from the one with `first` to the one with `last`."""
    lines = text.splitlines(keepends=True)
    start = next(n for n, line in enumerate(lines) if first in line)
    end = next(n for n, line in enumerate(lines) if last in line and n >= start)
    return "".join(lines[:start] + lines[end + 1 :])


T = "tests/test_add.py"


def one(path: str, before: str, *pairs: tuple[str, str]) -> tuple[Files, Files]:
    return {path: before}, {path: replaced(before, *pairs)}


WEAKENED: dict[str, tuple[tuple[Files, Files], str]] = {
    "a test file is deleted": (({T: PY}, {T: None}), "`test_adds`, `test_close`"),
    "a test is deleted": (({T: PY}, {T: without(PY, "def test_adds", "add(0, 0)")}), "`test_adds` is not there any more"),
    "a test is renamed so that it is not found": (one(T, PY, ("def test_adds", "def check_adds")), "is not there any more"),
    "a test file is moved to where it is not found": (({T: PY}, {T: None, "tests/add_helpers.py": PY}), "not there any more"),
    "a test becomes a comment": (one(T, PY, ("def test_close():\n", "# def test_close():\n"), ("    assert add(0.1", "#   assert add(0.1")), "`test_close`"),
    "a test file is no Python any more": (one(T, PY, ("def test_adds():", "def test_adds()")), "cannot be read any more, and had 4 tests"),
    "a test is replaced by an empty one": (({T: PY}, {T: without(PY, "def test_adds", "add(0, 0)") + "def test_nothing():\n    assert True\n"}), "`test_adds`"),
    "a mark skips": (one(T, PY, ("def test_adds", "@pytest.mark.skip\ndef test_adds")), "`test_adds` is skipped"),
    "a mark skips if": (one(T, PY, ("def test_adds", "@pytest.mark.skipif(True, reason='x')\ndef test_adds")), "is skipped"),
    "a mark lets fail": (one(T, PY, ("def test_adds", "@pytest.mark.xfail\ndef test_adds")), "or may fail"),
    "a class is skipped": (one(T, PY, ("class TestMore", "@pytest.mark.skip\nclass TestMore")), "TestMore.test_fails` is skipped"),
    "a module is skipped": (one(T, PY, ("import pytest\n", "import pytest\npytestmark = [pytest.mark.skip]\n")), "is skipped"),
    "a module skips itself": (one(T, PY, ("import pytest\n", "import pytest\npytest.skip('x', allow_module_level=True)\n")), "is skipped"),
    "a module is no test any more": (one(T, PY, ("import pytest\n", "import pytest\n__test__ = False\n")), "is skipped"),
    "a test skips itself": (one(T, PY, ("def test_adds():\n", "def test_adds():\n    pytest.skip('flaky')\n")), "is skipped"),
    "unittest skips": (one(T, UNIT, ("    def test_adds", "    @unittest.skip('x')\n    def test_adds")), "is skipped"),
    "unittest expects a failure": (one(T, UNIT, ("    def test_adds", "    @unittest.expectedFailure\n    def test_adds")), "may fail"),
    "an assertion is removed": (one(T, PY, ("    assert add(0, 0) == 0\n", "")), "fewer assertions: 2 before, 1 now"),
    "an assertion is never reached": (one(T, PY, ("    assert add(0, 0)", "    return\n    assert add(0, 0)")), "fewer assertions"),
    "an assertion is switched off": (one(T, PY, ("    assert add(0, 0)", "    if False:\n        assert add(0, 0)")), "fewer assertions"),
    "an assertion says nothing": (one(T, PY, ("assert add(0, 0) == 0", "assert True")), "fewer assertions"),
    "an assertion compares with itself": (one(T, PY, ("assert add(0, 0) == 0", "assert add(0, 0) == add(0, 0)")), "fewer"),
    "an assertion has a way out": (one(T, PY, ("assert add(0, 0) == 0", "assert add(0, 0) == 0 or True")), "fewer"),
    "a failure is caught": (one(T, PY, ("    assert add(0, 0) == 0", "    try:\n        assert add(0, 0) == 0\n    except AssertionError:\n        pass")), "fewer"),
    "a failure is suppressed": (one(T, PY, ("    assert add(0, 0) == 0", "    with contextlib.suppress(Exception):\n        assert add(0, 0) == 0")), "fewer"),
    "equal becomes in": (one(T, PY, ("assert add(1, 2) == 3", "assert add(1, 2) in (3, 4)")), "looser assertions"),
    "equal becomes at least": (one(T, PY, ("assert add(1, 2) == 3", "assert add(1, 2) >= 3")), "looser"),
    "equal becomes truth": (one(T, PY, ("assert add(1, 2) == 3", "assert add(1, 2)")), "looser"),
    "equal becomes not None": (one(T, PY, ("assert add(1, 2) == 3", "assert add(1, 2) is not None")), "looser"),
    "any error will do": (one(T, PY, ('pytest.raises(ValueError, match="no")', "pytest.raises(Exception)")), "looser"),
    "assertEqual becomes assertTrue": (one(T, UNIT, ("assertEqual(add(1, 2), 3)", "assertTrue(add(1, 2), 3)")), "looser"),
    "a wider tolerance": (one(T, PY, ("rel=1e-6", "rel=0.5")), "tolerates more: 1e-06 before, 0.5 now"),
    "fewer places": (one(T, UNIT, ("places=7", "places=1")), "tolerates more"),
    "fewer values": (one(T, PY, ("[1, 2, 3]", "[1]")), "runs with fewer values: 3 before, 1 now"),
    "renamed and loosened": (one(T, UNIT, ("def test_adds", "def test_sums"), ("assertEqual(add(1, 2), 3)", "assertTrue(add(1, 2))")), "`AddTest.test_sums` (was `AddTest.test_adds`) has looser"),
    "moved and skipped": (({T: PY}, {T: None, "tests/test_sum.py": replaced(PY, ("def test_adds", "@pytest.mark.skip\ndef test_adds"))}), "is skipped"),
    "one part of an and": (one(T, "def test_a():\n    assert f() == 1 and g() == 2\n", (" and g() == 2", "")), "fewer assertions: 2 before, 1 now"),
    "a module that raises": (one(T, PY, ("import pytest\n", "import pytest\nraise unittest.SkipTest('x')\n")), "is skipped"),
    "a test under a condition is deleted": (({T: "if True:\n    def test_a():\n        assert f() == 1\n"}, {T: "if True:\n    pass\n"}), "`test_a`"),
    "what a test defines checks less": (({T: "def test_a():\n    def f(x):\n        assert x == 1\n    run(f)\n"}, {T: "def test_a():\n    def f(x):\n        pass\n    run(f)\n"}), "fewer"),
    "not equal becomes not": (one(T, "def test_a():\n    assert not (f() == 2)\n", ("not (f() == 2)", "not f()")), "looser"),
    "all equal becomes any": (one(T, "def test_a():\n    assert all(x == 2 for x in f())\n", ("all(", "any(")), "looser"),
    "a type becomes an instance": (one(T, "def test_a():\n    assert type(f()) is int\n", ("type(f()) is int", "isinstance(f(), int)")), "looser"),
    "equal becomes a helper": (one(T, "def test_a():\n    assert f() == 2\n", ("assert f() == 2", "assert_that(f())")), "looser"),
    "assertIsNone becomes assertFalse": (one(T, "class T(TestCase):\n    def test_a(self):\n        self.assertIsNone(f())\n", ("assertIsNone", "assertFalse")), "looser"),
    "a call with becomes a call": (one(T, "def test_a(m):\n    m.assert_called_once_with(3)\n", ("assert_called_once_with(3)", "assert_called()")), "looser"),
    "a test that fails by itself": (one(T, "def test_a():\n    if f():\n        pytest.fail('x')\n", ("pytest.fail('x')", "print('x')")), "fewer"),
    "a Python 2 file is deleted": (({T: "print 'x'\n"}, {T: None}), "looks like a test"),
    "js: a test is deleted": (({"a.test.ts": JS}, {"a.test.ts": without(JS, "it('throws'", "});")}), "`throws`"),
    "js: a test is skipped": (one("a.test.ts", JS, ("it('throws'", "it.skip('throws'")), "skips more than before"),
    "js: a test is crossed out": (one("a.spec.js", JS, ("it('throws'", "xit('throws'")), "skips more"),
    "js: only one test runs": (one("a.test.tsx", JS, ("it('throws'", "it.only('throws'")), "skips more"),
    "js: a group is skipped": (one("a.test.ts", JS, ("describe('add'", "describe.skip('add'")), "skips more"),
    "js: toBe becomes toBeTruthy": (one("a.test.ts", JS, ("toBe(3)", "toBeTruthy()")), "looser"),
    "js: an assertion is a comment": (one("a.test.ts", JS, ("    expect(add(0", "    // expect(add(0")), "fewer"),
    "js: an assertion says nothing": (one("a.test.ts", JS, ("expect(add(0, 0)).toEqual(0)", "expect(true).toBe(true)")), "fewer"),
    "go: a test is deleted": (({"add_test.go": GO}, {"add_test.go": without(GO, "func TestZero", "}")}), "`TestZero`"),
    "go: a test skips": (one("add_test.go", GO, ("\tif got", "\tt.Skip()\n\tif got")), "skips more"),
    "go: an error is only told": (one("add_test.go", GO, ("t.Errorf", "t.Logf")), "fewer"),
    "go: equal becomes true": (one("add_test.go", GO, ("assert.Equal(t, 0, Add(0, 0))", "assert.True(t, Add(0, 0) < 5)")), "looser"),
    "go: a file is never built": (one("add_test.go", GO, ("package add", "//go:build ignore\n\npackage add")), "skips more"),
    "rust: a test is ignored": (one("src/lib.rs", RUST, ("#[test]\n    fn adds", "#[test]\n    #[ignore]\n    fn adds")), "skips more"),
    "rust: a test is deleted": (({"src/lib.rs": RUST}, {"src/lib.rs": replaced(RUST, ("#[test]\n    fn adds", "fn adds"))}), "`adds`"),
    "rust: assert_eq becomes assert": (one("src/lib.rs", RUST, ("assert_eq!(add(1, 2), 3)", "assert!(add(1, 2) > 0)")), "looser"),
    "java: a test is disabled": (one("AddTest.java", JAVA, ("@Test\n    void adds", "@Disabled\n    @Test\n    void adds")), "skips more"),
    "java: assertEquals becomes assertTrue": (one("AddTest.java", JAVA, ("assertEquals(3, add(1, 2))", "assertTrue(add(1, 2) > 0)")), "looser"),
    "java: a test is no test": (one("AddTest.java", JAVA, ("@Test\n    void adds", "void adds")), "`adds`"),
    "ruby: a test is crossed out": (one("spec/add_spec.rb", RUBY, ('it "adds"', 'xit "adds"')), "skips more"),
    "ruby: an assertion goes": (one("spec/add_spec.rb", RUBY, ("expect(add(1, 2)).to eq(3)", "add(1, 2)")), "fewer"),
    "c#: a test is skipped": (one("AddTests.cs", SHARP, ("[Fact]", '[Fact(Skip = "later")]')), "skips more"),
    "php: a test is skipped": (one("AddTest.php", PHP, ("$this->assertSame", "$this->markTestSkipped();\n        $this->assertSame")), "skips more"),
    "a script of tests is deleted": (({"test/run.bats": "#!/usr/bin/env bats\n"}, {"test/run.bats": None}), "looks like a test"),
    "a snapshot is edited": (({"src/__snapshots__/a.test.ts.snap": "a"}, {"src/__snapshots__/a.test.ts.snap": "b"}), "is changed"),
    "a snapshot is deleted": (({"tests/golden/a.txt": "a"}, {"tests/golden/a.txt": None}), "is deleted"),
    "coverage may be lower": (one("pyproject.toml", PYPROJECT, ("fail_under = 95", "fail_under = 60")), "`fail_under` is less strict: 95 before, 60 now"),
    "coverage is not asked for": (one("pyproject.toml", PYPROJECT, ("fail_under = 95\n", "")), "`fail_under` is gone: 95 before"),
    "pytest leaves out": (one("pyproject.toml", PYPROJECT, ('addopts = "-ra', 'addopts = "-ra --ignore=tests/slow')), "leaves out"),
    "pytest picks": (one("pyproject.toml", PYPROJECT, ('addopts = "-ra', 'addopts = "-ra -k fast')), "leaves out"),
    "fewer paths are looked at": (one("pyproject.toml", PYPROJECT, ('["tests", "integration"]', '["tests"]')), "looks at less"),
    "types are not strict": (one("pyproject.toml", PYPROJECT, ("strict = true\n", "strict = false\n")), "leaves out"),
    "a required version sinks": (one("pyproject.toml", PYPROJECT, ("requests>=2.32", "requests>=2.1")), "`requests` goes from 2.32 down to 2.1"),
    "a pinned version sinks": (one("requirements.txt", "attrs==24.1.0\n", ("24.1.0", "19.3")), "`attrs` goes from 24.1.0 down to 19.3"),
    "a language version sinks": (one("pyproject.toml", PYPROJECT, (">=3.11", ">=3.8")), "`requires-python`"),
    "a new file overrules": (({"a": ""}, {"pytest.ini": "[pytest]\naddopts = -k nothing\n"}), "leaves out"),
    "a conftest leaves out": (({"a": ""}, {"tests/conftest.py": "collect_ignore = ['test_add.py']\n"}), "leaves out"),
    "js: warnings are allowed": (one("package.json", PACKAGE, ("--max-warnings 0", "--max-warnings 99")), "`max-warnings` is less strict"),
    "js: branches may be lower": (one("package.json", PACKAGE, ('"branches": 90', '"branches": 10')), "`branches`"),
    "js: the tests are an echo": (one("package.json", PACKAGE, ("jest --ci --coverage && eslint .", "echo ok")), "`test` runs less"),
    "js: less is run": (one("package.json", PACKAGE, (" && eslint .", "")), "`test` runs less"),
    "js: a version sinks": (one("package.json", PACKAGE, ("^29.7.0", "^27.0.0")), "`jest` goes from 29.7.0 down to 27.0.0"),
    "go: a version sinks": (one("go.mod", "module x\ngo 1.22\nrequire example.com/y v1.4.0\n", ("v1.4.0", "v1.2.0")), "down to 1.2.0"),
    "make: failures are true": (one("Makefile", MAKE, ("pytest -q", "pytest -q || true")), "lets failures pass"),
    "make: failures are ignored": (one("Makefile", MAKE, ("\tmypy", "\t-mypy")), "lets failures pass"),
    "a script ends well": (one("scripts/run-tests.sh", WORKFLOW_LIKE, ("npm test\n", "npm test\nexit 0\n")), "lets failures pass"),
    "a script goes on": (one("scripts/run-tests.sh", WORKFLOW_LIKE, ("set -e", "set +e")), "lets failures pass"),
    "maven skips": (one("pom.xml", "<project>\n</project>\n", ("<project>\n", "<project>\n<skipTests>true</skipTests>\n")), "lets failures pass"),
}  # fmt: skip

HONEST: dict[str, tuple[Files, Files]] = {
    "a new test file": ({}, {T: PY}),
    "a new test": ({T: PY}, {T: PY + "\ndef test_more():\n    assert add(2, 2) == 4\n"}),
    "an assertion more": one(T, PY, ("    assert add(0, 0) == 0\n", "    assert add(0, 0) == 0\n    assert add(1, 1) == 2\n")),
    "another expected value": one(T, PY, ("add(1, 2) == 3", "add(1, 2) == 4")),
    "a test is renamed": one(T, PY, ("def test_adds", "def test_adds_two_numbers")),
    "a class is renamed": one(T, PY, ("class TestMore", "class TestErrors")),
    "a test goes into a class": ({T: PY}, {T: without(PY, "def test_close", "approx") + "class TestClose:\n    def test_close(self):\n        assert add(0.1, 0.2) == pytest.approx(0.3, rel=1e-6)\n"}),
    "a file is moved": ({T: PY}, {T: None, "tests/unit/test_add.py": PY}),
    "a file is split": ({T: PY}, {T: without(PY, "class TestMore", "== x"), "tests/test_more.py": "import pytest\n\n" + PY[PY.index("class TestMore") : PY.index("def test_close")]}),
    "tests are merged into one with parameters": (
        {T: "def test_one():\n    assert f(1) == 2\n\ndef test_two():\n    assert f(2) == 3\n"},
        {T: "import pytest\n\n@pytest.mark.parametrize(('x', 'y'), [(1, 2), (2, 3)])\ndef test_f(x, y):\n    assert f(x) == y\n"},
    ),
    "two tests become values of a third": (
        {T: "@pytest.mark.parametrize('x', [1])\ndef test_f(x):\n    assert f(x) == x\n\ndef test_two():\n    assert f(2) == 2\n\ndef test_three():\n    assert f(3) == 3\n"},
        {T: "@pytest.mark.parametrize('x', [1, 2, 3])\ndef test_f(x):\n    assert f(x) == x\n"},
    ),
    "assertions become values": (
        {T: "def test_f():\n    assert f(1) == 1\n    assert f(2) == 2\n"},
        {T: "@pytest.mark.parametrize('x', [1, 2])\ndef test_f(x):\n    assert f(x) == x\n"},
    ),
    "formatted": one(T, PY, ("    assert add(1, 2) == 3\n", "    assert (\n        add(1, 2)\n        == 3\n    )\n")),
    "quotes and blank lines": one(T, PY, ('match="no"', "match='no'"), ("class TestMore", "\n\nclass TestMore")),
    "comments and docstrings": one(T, PY, ("def test_adds():\n", 'def test_adds():\n    """It adds."""\n    # really\n')),
    "unittest becomes pytest": one(T, UNIT, ("self.assertEqual(add(1, 2), 3)", "assert add(1, 2) == 3")),
    "True becomes equal": one(T, UNIT, ("self.assertIn(3, [add(1, 2)])", "self.assertTrue(add(1, 2) == 3)")),
    "a tighter tolerance": one(T, PY, ("rel=1e-6", "rel=1e-9")),
    "a skip is lifted": ({T: replaced(PY, ("def test_adds", "@pytest.mark.skip\ndef test_adds"))}, {T: PY}),
    "a fixture more": one(T, PY, ("def test_adds()", "def test_adds(tmp_path)")),
    "a helper in a test folder": ({"tests/helpers.py": "def make():\n    return 1\n"}, {"tests/helpers.py": "def make():\n    return 2\n"}),
    "a helper is deleted": ({"tests/helpers.py": "def make():\n    return 1\n"}, {"tests/helpers.py": None}),
    "a fixture file is changed": ({"tests/data/a.json": "{}"}, {"tests/data/a.json": "[]"}),
    "async": one(T, PY, ("def test_adds():\n    assert add(1, 2)", "async def test_adds():\n    assert await add(1, 2)")),
    "a test under a condition": one(T, PY, ("import pytest\n", "import sys\nimport pytest\n")),
    "a match for the error": one(T, PY, ('match="no"', 'match="no.*thing"')),
    "a try that fails": one(T, PY, ("    assert add(0, 0) == 0\n", "    try:\n        assert add(0, 0) == 0\n    except ValueError:\n        raise\n")),
    "a loop over values": one(T, PY, ("    assert add(0, 0) == 0\n", "    for x in range(3):\n        assert add(x, 0) == x\n")),
    "a new test that is skipped somewhere": ({T: PY}, {T: PY + "\n@pytest.mark.skipif(win, reason='x')\ndef test_unix():\n    assert 1 == f()\n"}),
    "code beside tests": ({"src/add.py": "def add(a, b):\n    return a\n"}, {"src/add.py": "def add(a, b):\n    return a + b\n"}),
    "the values stand elsewhere": one(T, "@pytest.mark.parametrize('x', VALUES)\ndef test_a(x):\n    assert x == 1\n", ("VALUES", "OTHERS")),
    "a keyword that is no tolerance": one(T, PY, ("rel=1e-6", "rel=1e-6, nan_ok=True")),
    "a failure that is caught and told": one(T, PY, ("    assert add(0, 0) == 0\n", "    try:\n        assert add(0, 0) == 0\n    except AssertionError:\n        pytest.fail('x')\n")),
    "a call through a subscript": one(T, PY, ("    assert add(0, 0) == 0\n", "    assert add(0, 0) == 0\n    table['x']()\n")),
    "a while loop": one(T, PY, ("    assert add(0, 0) == 0\n", "    while more():\n        step()\n    assert add(0, 0) == 0\n")),
    "Python 2 becomes Python 3": ({T: "print 'x'\n"}, {T: "print('x')\n"}),
    "js: skipped tests change places": ({"a.test.ts": "it.skip('a', () => {});\n", "b.test.ts": JS}, {"a.test.ts": None, "b.test.ts": JS + "it.skip('a', () => {});\n"}),
    "js: a new test": one("a.test.ts", JS, ("  it('throws'", "  it('is new', () => { expect(1 + f()).toBe(2); });\n  it('throws'")),
    "js: a test is renamed": one("a.test.ts", JS, ("'adds two'", "'adds two numbers'")),
    "js: a file is moved": ({"a.test.ts": JS}, {"a.test.ts": None, "src/b.test.ts": JS}),
    "js: test becomes it": one("a.test.ts", JS, ("it('throws'", "test('throws'")),
    "js: each": one("a.test.ts", JS, ("  it('throws'", "  it.each([[1, 2]])('maps %i', (a, b) => { expect(f(a)).toBe(b); });\n  it('throws'")),
    "js: a comment with a test in it": one("a.test.ts", JS, ("describe('add'", "// it('was') once\ndescribe('add'")),
    "js: another value": one("a.test.ts", JS, ("toBe(3)", "toBe(4)")),
    "go: a subtest more": one("add_test.go", GO, ("\tif got", "\tt.Run(\"x\", func(t *testing.T) { t.Log(1) })\n\tif got")),
    "go: a test more": ({"add_test.go": GO}, {"add_test.go": GO + "\nfunc TestThree(t *testing.T) {\n\tt.Fatal(1)\n}\n"}),
    "go: Errorf becomes Fatalf": one("add_test.go", GO, ("t.Errorf", "t.Fatalf")),
    "rust: code beside tests": one("src/lib.rs", RUST, ("{ a + b }", "{ a.wrapping_add(b) }")),
    "rust: a test more": one("src/lib.rs", RUST, ("    #[test]\n    fn adds", "    #[test]\n    fn zero() {\n        assert_eq!(add(0, 0), 0);\n    }\n\n    #[test]\n    fn adds")),
    "java: a better matcher": one("AddTest.java", JAVA, ("assertEquals(3, add(1, 2))", "assertThat(add(1, 2)).isEqualTo(3)")),
    "ruby: a test more": one("spec/add_spec.rb", RUBY, ('  it "is there"', '  it "is new" do\n    expect(1).to eq(f)\n  end\n\n  it "is there"')),
    "a new snapshot": ({}, {"src/__snapshots__/a.test.ts.snap": "a"}),
    "coverage must be higher": one("pyproject.toml", PYPROJECT, ("fail_under = 95", "fail_under = 97")),
    "a required version rises": one("pyproject.toml", PYPROJECT, ("requests>=2.32", "requests>=2.33")),
    "a new dependency": one("pyproject.toml", PYPROJECT, ('"attrs==24.1.0"', '"attrs==24.1.0", "rich>=13"')),
    "one more digit": one("pyproject.toml", PYPROJECT, ("2.32", "2.32.0")),
    "an option for pytest": one("pyproject.toml", PYPROJECT, ('"-ra', '"-ra --durations=5')),
    "one more path": one("pyproject.toml", PYPROJECT, ('["tests", "integration"]', '["tests", "integration", "e2e"]')),
    "js: more is run": one("package.json", PACKAGE, (" && eslint .", " && eslint . && tsc")),
    "js: another script": one("package.json", PACKAGE, ('    "lint"', '    "build": "tsc",\n    "lint"')),
    "js: a version of its own": one("package.json", PACKAGE, ('{\n  "scripts"', '{\n  "version": "1.0.0",\n  "scripts"')),
    "make: cleaning may fail": one("Makefile", MAKE, ("rm -rf build", "rm -rf build || true")),
    "a new script": ({}, {"scripts/deploy.sh": "#!/bin/sh\nset +e\n"}),
    "a conftest with a fixture": ({}, {"tests/conftest.py": "import pytest\n\n@pytest.fixture\ndef x():\n    return 1\n"}),
    "documentation": ({"docs/testing.md": "Run `pytest || true`"}, {"docs/testing.md": "Run `pytest`"}),
}  # fmt: skip


@pytest.mark.parametrize(("files", "said"), [pytest.param(*row, id=name) for name, row in WEAKENED.items()])
def test_what_says_less_than_before_is_found(files: tuple[Files, Files], said: str):
    findings = weakened(*files)
    assert any(said in finding.text for finding in findings), findings


@pytest.mark.parametrize("files", [pytest.param(row, id=name) for name, row in HONEST.items()])
def test_honest_work_is_left_alone(files: tuple[Files, Files]):
    assert weakened(*files) == []


def test_where_more_is_skipped_than_before_the_new_lines_are_shown():
    before = {"a.test.ts": JS, "b.test.ts": JS}
    after = {"a.test.ts": replaced(JS, ("it('throws'", "it.skip('throws'")), "b.test.ts": JS + "// more\n"}
    [finding] = weakened(before, after)
    assert (finding.path, finding.lines) == ("a.test.ts", ("+it.skip('throws', () => {",))


@pytest.mark.parametrize("path", [T, "pyproject.toml"])
def test_what_is_too_large_to_be_compared_is_told(path: str):
    changes = change_set({path: "x"}, {path: "y"})
    findings = find_findings(changes, Policy(), before={path: None}, sightings={})
    assert "is too large to be compared" in findings[0].text


def test_what_shows_it_is_short():
    long = "def test_a():\n" + "".join(f"    assert f({n}) == {n}\n" for n in range(50))
    many = "".join(f"def test_{n}():\n    assert f({n}) == {n}\n" for n in range(20))
    [finding] = weakened({T: long}, {T: "def test_a():\n    assert f(0) == 0\n"})
    assert finding.lines[-1] == "… 37 more lines"
    [finding] = weakened({T: many}, {T: None})
    assert finding.text.endswith("`test_7` and 12 more are not there any more")


@pytest.mark.parametrize(
    "unit", ["(", "-", "a.b", "assert x or ", "if x:\n ", "it('", "/*", '"', "`", "@Test ", "#[test]"]
)
@pytest.mark.parametrize("path", [T, "a.test.ts", "AddTest.java", "src/lib.rs", "package.json"])
@pytest.mark.timeout(60)  # what is not linear takes minutes
def test_hostile_files_are_read_in_no_time(unit: str, path: str):
    weakened({path: PY}, {path: unit * (300_000 // len(unit))})


@pytest.mark.timeout(60)
def test_a_thousand_tests_that_move_are_followed_by_their_names():
    many = "".join(f"def test_{n}():\n    assert f({n}) == {n}\n" for n in range(1_000))
    assert weakened({T: many}, {T: None, "tests/unit/test_add.py": many}) == []


def test_the_tables_are_long_enough_to_say_something():
    assert len(WEAKENED) >= 40
    assert len(HONEST) >= 40
