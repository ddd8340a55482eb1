"""Write the bill of materials of what a deployment installs (`requirements.lock`) as CycloneDX JSON to standard output:
each package with its version, its name as scanners look it up, and the hashes that are pinned."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from pip_requirements_parser import InstallRequirement, RequirementsFile

ROOT = Path(__file__).resolve().parent.parent


def make_bom() -> Bom:
    """The bill of materials of the lock. Raises `ValueError` for a line without an exact version or without a hash."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    root = Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        bom_ref=project["name"],
    )
    bom = Bom()
    bom.metadata.component = root
    components = [
        _component(requirement) for requirement in RequirementsFile.from_file(ROOT / "requirements.lock").requirements
    ]
    bom.components.update(components)
    bom.register_dependency(root, components)
    return bom


def _component(requirement: InstallRequirement) -> Component:
    version = requirement.get_pinned_version
    hashes = requirement.hash_options or []
    if not version or not hashes:
        raise ValueError(f"not pinned with hashes: {requirement.line}")
    name = str(requirement.name)
    purl = PackageURL("pypi", name=name, version=version)
    # One hash for each file that the release has: which of them is installed depends on the machine.
    pinned = [HashType(alg=HashAlgorithm.SHA_256, content=each.partition(":")[2]) for each in hashes]
    return Component(name=name, version=version, purl=purl, bom_ref=str(purl), hashes=pinned)


if __name__ == "__main__":
    sys.stdout.write(JsonV1Dot6(make_bom()).output_as_string(indent=2) + "\n")
