"""What Honk is made of is pinned, listed, and built without holes that a linter knows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.model.bom import Bom

ROOT = Path(__file__).resolve().parent.parent
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)


@pytest.fixture(scope="module")
def bom_text() -> str:
    ran = subprocess.run(
        [sys.executable, ROOT / "scripts/sbom.py"], capture_output=True, text=True, check=True, timeout=60
    )
    return ran.stdout


def test_the_bill_of_materials_is_valid_and_lists_each_package_that_a_deployment_installs(bom_text: str) -> None:
    listed = {each["name"]: each for each in json.loads(bom_text)["components"]}
    pinned = dict(_PINNED.findall((ROOT / "requirements.lock").read_text()))

    assert {name: each["version"] for name, each in listed.items()} == pinned
    assert all(each["hashes"] and each["purl"].startswith("pkg:pypi/") for each in listed.values())
    read_back = Bom.from_json(json.loads(bom_text))  # type: ignore[attr-defined]  # made by its serialiser's decorator
    assert len(read_back.components) == len(pinned)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "requirements-browser.lock"])
def test_each_package_in_a_lock_has_hashes_and_no_lock_names_a_package_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    packages = [each for each in re.split(r"\n(?=\S)", text) if each.strip()]

    assert all("==" in each and "--hash=sha256:" in each for each in packages)
    assert "://" not in text


def test_a_lock_names_the_extras_that_packages_want_of_each_other() -> None:
    """pip compares `coverage[toml]` with `coverage==…` too late: a newer release of it would break each install."""
    assert re.search(r"^coverage\[toml\]==", (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE)


def test_the_workflows_have_no_hole_that_a_linter_knows(tmp_path: Path) -> None:
    def lint(folder: Path) -> int:
        zizmor = Path(sys.executable).parent / "zizmor"
        words: list[str | Path] = [zizmor, "--offline", "--persona", "pedantic", "--no-progress", "--quiet", folder]
        return subprocess.run(words, capture_output=True, check=False, timeout=60).returncode

    leaky = tmp_path / ".github/workflows/ci.yml"
    leaky.parent.mkdir(parents=True)
    leaky.write_text(
        (ROOT / ".github/workflows/ci.yml").read_text().replace("run: .ci/run", "run: echo ${{ github.head_ref }}")
    )

    assert lint(ROOT / ".github") == 0
    assert lint(leaky.parent.parent) != 0, "the linter sees nothing at all"
