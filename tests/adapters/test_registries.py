"""Where packages come from, as pip and npm say."""

from __future__ import annotations

from pathlib import Path

import pytest

from github_app.adapters.egress.registries import Registries, Source, find_registries

NPM = """#!/bin/sh
echo "registry=$NPM_CONFIG_REGISTRY"
echo "cafile=null"
echo "userconfig=$HOME/.npmrc"
echo "globalconfig=$HOME/none"
"""


def machine(home: Path, *, npm: str = NPM, **more: str) -> dict[str, str]:
    """The environment of a machine with an npm that says this."""
    tools = home / "bin"
    tools.mkdir(exist_ok=True)
    (tools / "npm").write_text(npm)
    (tools / "npm").chmod(0o755)
    return {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(home), "PIP_CONFIG_FILE": "/dev/null", **more}


def test_pip_says_its_indexes_and_what_opens_them(tmp_path: Path):
    told = {
        "PIP_INDEX_URL": "https://ann:p%40ss@a.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://b.example/x/ file:///c",
    }
    found = find_registries(machine(tmp_path, **told))
    assert found.pip == (
        Source(url="https://a.example/simple/", authorization="Basic YW5uOnBAc3M="),
        Source(url="https://b.example/x/"),
    )
    assert "YW5u" not in repr(found)


def test_a_pip_that_nobody_configured_says_its_own_index(tmp_path: Path):
    (source,) = find_registries(machine(tmp_path)).pip
    assert source.url.startswith("https://")


def test_a_file_of_pips_counts_and_its_certificate_too(tmp_path: Path):
    cert = tmp_path / "ca.pem"
    cert.write_text("x")
    config = tmp_path / "pip.conf"
    config.write_text(f"[global]\nindex-url = https://a.example/simple\ncert = {cert}\n")
    found = find_registries(machine(tmp_path, PIP_CONFIG_FILE=str(config)))
    assert [source.url for source in found.pip] == ["https://a.example/simple/"]
    assert found.ca_files == (cert,)


def test_npm_says_its_registry_and_its_files_say_what_opens_it(tmp_path: Path):
    (tmp_path / ".npmrc").write_text("//other.example/:_authToken=no\n//n.example/npm/:_authToken=${NPM_TOKEN}\n")
    told = {"NPM_CONFIG_REGISTRY": "https://n.example/npm/", "NPM_TOKEN": "s3cret"}
    found = find_registries(machine(tmp_path, **told))
    assert found.npm == Source(url="https://n.example/npm/", authorization="Bearer s3cret")
    assert "s3cret" not in repr(found)


def test_a_machine_without_them_has_no_registries(tmp_path: Path):
    environment = machine(tmp_path, npm="#!/bin/sh\nexit 1\n", PIP_INDEX_URL="file:///c")
    assert find_registries(environment) == Registries()


@pytest.mark.parametrize(
    "url",
    [
        "https://robot:hunter#2@pip.example/simple",
        "https://robot:hunter\uff032@pip.example/simple",
        "https://[robot:hunter2@pip.example/simple",
        "ftp://pip.example/simple",
        "https:///simple",
        "",
    ],
)
def test_what_is_no_address_is_no_source_and_tells_no_password(url: str):
    assert Source.parse(url) is None
