"""Which verifiers a repository has, told from its files."""

from __future__ import annotations

import pytest

from github_app.agent.verifiers import find_verifiers, manifests_in

PYTEST = "python3 -m pytest -q --tb=short"


RUBY = 'ruby -Ilib -Itest -e \'Dir["test/**/{test_*,*_test}.rb"].each { |file| require "./#{file}" }\''
WORKFLOW = """
on: {push: {branches: [main]}}
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - run: pip install -r requirements.txt
      - run: |
          npm install
          ./run-tests.sh
      - run: make check
        working-directory: sub
      - run: pytest ${{ matrix.extra }}
      - run: pytest
        shell: pwsh
      - {run: 3}
  windows:
    runs-on: windows-latest
    steps: [{run: nox}]
  upload: {runs-on: ubuntu-latest, steps: [{run: make release upload}]}
"""


def commands(files: dict[str, str]) -> list[tuple[str, ...]]:
    contents = {path: files[path] for path in manifests_in(sorted(files))}
    return [verifier.commands for verifier in find_verifiers(sorted(files), contents)]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"README.md": ""}, []),
        ({}, []),
        # Python
        ({"test_a.py": ""}, [(PYTEST, "python3 -m unittest discover")]),
        ({"a.py": "", "tests/test_a.py": ""}, [(PYTEST, "python3 -m unittest discover -s tests")]),
        (
            {"tests/__init__.py": "", "tests/test_a.py": ""},
            [(PYTEST, "python3 -m unittest discover")],
        ),
        (
            {"src/p/a.py": "", "pyproject.toml": "[project]", "tests/test_a.py": ""},
            [(f"PYTHONPATH=src {PYTEST}", "PYTHONPATH=src python3 -m unittest discover -s tests")],
        ),
        ({"pyproject.toml": "[tool.pytest.ini_options]", "tests/test_a.py": ""}, [(PYTEST,)]),
        ({"setup.cfg": "[tool:pytest]", "a_test.py": ""}, [(PYTEST,)]),
        ({"tests/conftest.py": "", "tests/test_a.py": ""}, [(PYTEST,)]),
        ({"pyproject.toml": "[tool.pytest.ini_options]", "a.py": ""}, []),
        # Node
        ({"package.json": '{"scripts": {"test": "jest"}}'}, [("npm test --silent",)]),
        ({"package.json": '{"scripts": {"test": "jest"}}', "yarn.lock": ""}, [("yarn test",)]),
        ({"package.json": '{"scripts": {"test": "jest"}}', "pnpm-lock.yaml": ""}, [("pnpm test",)]),
        ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, []),
        ({"package.json": '{"scripts": {"build": "tsc"}}'}, []),
        ({"package.json": '{"scripts": ["test"]}'}, []),
        ({"package.json": "[1]"}, []),
        ({"package.json": "{ broken"}, []),
        # Go, Rust, Java
        ({"go.mod": "module x"}, [("go build ./... && go test ./...",)]),
        ({"Cargo.toml": "[package]"}, [("cargo test --color never",)]),
        ({"pom.xml": "<project/>"}, [("mvn -B -ntp test",)]),
        ({"pom.xml": "<project/>", "mvnw": ""}, [("sh ./mvnw -B -ntp test",)]),
        ({"build.gradle.kts": ""}, [("gradle test --console=plain",)]),
        ({"build.gradle": "", "gradlew": ""}, [("sh ./gradlew test --console=plain",)]),
        # Makefiles speak only where nothing else does
        ({"Makefile": "all:\n\ttrue\ntest: all\n\t./run\n"}, [("make test",)]),
        ({"Makefile": "test := 3\n"}, []),
        ({"Makefile": "test:\n", "Cargo.toml": ""}, [("cargo test --color never",)]),
        # Linters, as they are configured
        (
            {"pyproject.toml": "[tool.ruff]\n[tool.ruff.format]\n[tool.mypy]\nfiles = ['a']", "test_a.py": ""},
            [
                (PYTEST, "python3 -m unittest discover"),
                ("ruff check .", "python3 -m ruff check ."),
                ("ruff format --check .",),
                ("python3 -m mypy",),
            ],
        ),
        ({"setup.cfg": "[flake8]\n[mypy]\n"}, [("python3 -m flake8",), ("python3 -m mypy .",)]),
        ({"tox.ini": "[tox]", "a.py": ""}, [("python3 -m tox -q",)]),
        ({"noxfile.py": "", "a.py": ""}, [("python3 -m nox",)]),
        (
            {"package.json": '{"scripts": {"test": "jest", "lint": "eslint .", "types": "tsc"}}', "pnpm-lock.yaml": ""},
            [("pnpm test",), ("pnpm run lint",), ("pnpm run types",)],
        ),
        ({"package.json": '{"scripts": {"lint": "eslint --fix .", "typecheck": "tsc --watch"}}'}, []),
        (
            {"go.mod": "", ".golangci.yml": ""},
            [("go build ./... && go test ./...",), ("golangci-lint run",)],
        ),
        (
            {"Cargo.toml": "", "clippy.toml": "", "rustfmt.toml": ""},
            [
                ("cargo test --color never",),
                ("cargo clippy --all-targets -- -D warnings",),
                ("cargo fmt --check",),
            ],
        ),
        # .NET, Ruby
        ({"Calc.sln": "", "Calc.csproj": ""}, [("dotnet test Calc.sln --nologo",)]),
        ({"My Calc.csproj": ""}, [("dotnet test 'My Calc.csproj' --nologo",)]),
        (
            {"Gemfile": "", "spec/a_spec.rb": "", ".rubocop.yml": ""},
            [("bundle exec rspec", "rspec"), ("bundle exec rubocop", "rubocop")],
        ),
        ({"Rakefile": "", "test/a_test.rb": ""}, [("bundle exec rake test", "rake test", RUBY)]),
        ({"a.gemspec": "", "test/unit/test_a.rb": ""}, [(RUBY,)]),
        ({"Gemfile": "", "a.rb": ""}, []),
        ({"Makefile": "check:\n"}, [("make check",)]),
        # Workflows speak where nothing else has tests
        (
            {".github/workflows/ci.yml": WORKFLOW, ".flake8": ""},
            [("./run-tests.sh",), ("cd sub && make check",), ("python3 -m flake8",)],
        ),
        ({".github/workflows/ci.yml": WORKFLOW, "go.mod": ""}, [("go build ./... && go test ./...",)]),
        # Several at once, and folders below the top
        (
            {"Cargo.toml": "", "package.json": '{"scripts": {"test": "jest"}}'},
            [("npm test --silent",), ("cargo test --color never",)],
        ),
        (
            {"README.md": "", "api/go.mod": "", "my web/package.json": '{"scripts": {"test": "jest"}}'},
            [("cd api && go build ./... && go test ./...",), ("cd 'my web' && npm test --silent",)],
        ),
        ({"Cargo.toml": "", "vendored/go.mod": ""}, [("cargo test --color never",)]),
        (
            {f"part{n}/go.mod": "" for n in range(9)},
            [(f"cd part{n} && go build ./... && go test ./...",) for n in range(4)],
        ),
    ],
)
def test_what_is_run(files: dict[str, str], expected: list[tuple[str, ...]]):
    assert commands(files) == expected


@pytest.mark.parametrize("package", ["[" * 100_000, '{"scripts":' * 100_000, "1" * 10_000])
def test_a_package_file_made_to_break_its_reader_tells_nothing(package: str):
    assert commands({"package.json": package}) == []


MANY = {
    "package.json": '{"scripts": {"test": "jest"}}',
    "pnpm-lock.yaml": "",
    "packages/a/package.json": '{"scripts": {"test": "vitest"}}',
    "packages/b/package.json": '{"scripts": {"build": "tsc"}}',
    "api/go.mod": "",
    "jvm/pom.xml": "",
    "jvm/core/pom.xml": "",
    "droid/settings.gradle": "",
    "droid/app/build.gradle": "",
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (["packages/a/src/x.ts"], ["cd packages/a && pnpm test"]),
        (["packages/b/src/x.ts"], ["pnpm test"]),
        (["README.md"], ["pnpm test"]),
        (["api/v1/deep/x.go"], ["cd api && go build ./... && go test ./..."]),
        (["jvm/core/src/X.java"], ["cd jvm && mvn -B -ntp test"]),
        (["droid/app/src/X.java"], ["cd droid && gradle test --console=plain"]),
        (["api/x.go", "packages/a/x.ts"], ["cd api && go build ./... && go test ./...", "cd packages/a && pnpm test"]),
    ],
)
def test_of_many_projects_the_nearest_to_the_change_is_run(changed: list[str], expected: list[str]):
    contents = {path: MANY[path] for path in manifests_in(sorted(MANY), changed)}
    assert [each.commands[0] for each in find_verifiers(sorted(MANY), contents, changed)] == expected


def test_a_verifier_says_where_it_is_from():
    files = {"api/go.mod": ""}
    (found,) = find_verifiers(sorted(files), files, ["api/x.go"])
    assert (found.kind, found.source, found.reason) == ("test", "api/go.mod", "it is a module of Go")
