"""Which verifiers a repository has, told from its files."""

from __future__ import annotations

import pytest

from github_app.agent.verifiers import find_verifiers, manifests_in

PYTEST = "python3 -m pytest -q --tb=short"


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
