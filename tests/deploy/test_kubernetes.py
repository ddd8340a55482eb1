"""What `deploy/kubernetes` promises, as far as it can be seen without a cluster: broker and runner are two ordinary
users who share nothing but a socket's folder, and what must fit each other does."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from github_app.settings import NAMES, read_runner_settings, read_settings
from tests.test_settings import PEM

Spec = dict[str, Any]
FOLDER = Path(__file__).resolve().parents[2] / "deploy/kubernetes"
KUSTOMIZATION: Spec = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
OBJECTS: list[Spec] = [
    each for name in KUSTOMIZATION["resources"] for each in yaml.safe_load_all((FOLDER / name).read_text())
]
# What an operator's secret `honk-settings` holds.
SECRET = {"HONK_APP_ID": "1", "HONK_WEBHOOK_SECRET": "s", "HONK_DATABASE_URL": "postgresql://honk@db/honk"}


def of_kind(kind: str) -> dict[str, Spec]:
    """All objects of a kind by name."""
    return {each["metadata"]["name"]: each for each in OBJECTS if each["kind"] == kind}


DOOR = of_kind("Deployment")["honk-door"]
WORKERS = of_kind("StatefulSet")["honk-worker"]


def pod(workload: Spec) -> Spec:
    """A workload's pods."""
    spec: Spec = workload["spec"]["template"]["spec"]
    return spec


def containers() -> Iterator[Spec]:
    """All containers, those that come first included."""
    for workload in (DOOR, WORKERS):
        yield from pod(workload).get("initContainers", [])
        yield from pod(workload)["containers"]


CONTAINERS = {each["name"]: each for each in containers()}
RUNNER, BROKER = CONTAINERS["runner"], CONTAINERS["broker"]


def env(container: Spec) -> dict[str, str]:
    """What a container is told beside secrets; a pod's field stands for itself."""
    return {each["name"]: each.get("value", "honk-worker-0") for each in container.get("env", [])}


def mounts(container: Spec) -> set[str]:
    """The volumes that a container sees."""
    return {each["name"] for each in container.get("volumeMounts", [])}


def user(container: Spec, workload: Spec) -> tuple[int, int]:
    """User and group of a container."""
    known = pod(workload)["securityContext"] | container["securityContext"]
    return known["runAsUser"], known["runAsGroup"]


def test_all_files_are_used_and_each_object_is_there_once() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*KUSTOMIZATION["resources"], "kustomization.yaml"}
    keys = [(each["kind"], each["metadata"]["name"]) for each in OBJECTS]
    assert len(set(keys)) == len(keys) == 9


def test_selectors_match_pods_and_pods_are_kept_from_the_network() -> None:
    labels = [workload["spec"]["template"]["metadata"]["labels"].items() for workload in (DOOR, WORKERS)]
    for workload in (DOOR, WORKERS):
        assert workload["spec"]["selector"]["matchLabels"] == workload["spec"]["template"]["metadata"]["labels"]
    for each in (*of_kind("PodDisruptionBudget").values(), *of_kind("Service").values()):
        selector = each["spec"]["selector"]
        wanted = selector.get("matchLabels", selector).items()
        assert len([found for found in labels if wanted <= found]) == 1
        assert each["metadata"]["name"] in {"honk-door", "honk-worker"}
    policies = of_kind("NetworkPolicy")
    everybody = policies["honk"]["spec"]
    assert all(everybody["podSelector"]["matchLabels"].items() <= found for found in labels)
    assert (everybody["policyTypes"], everybody["ingress"]) == (["Ingress", "Egress"], [])
    assert sorted(port["port"] for rule in everybody["egress"] for port in rule["ports"]) == [53, 53, 443, 5432]
    (https,) = [rule["to"][0]["ipBlock"] for rule in everybody["egress"] if "ipBlock" in rule["to"][0]]
    assert "169.254.0.0/16" in https["except"]
    door = policies["honk-door"]["spec"]["podSelector"]["matchLabels"].items()
    assert [door <= found for found in labels] == [True, False]


def test_ports_agree() -> None:
    (port,) = CONTAINERS["door"]["ports"]
    assert env(CONTAINERS["door"])["HONK_PORT"] == str(port["containerPort"])
    (served,) = of_kind("Service")["honk-door"]["spec"]["ports"]
    assert served["targetPort"] == port["name"]
    (rule,) = of_kind("NetworkPolicy")["honk-door"]["spec"]["ingress"]
    assert [each["port"] for each in rule["ports"]] == [port["containerPort"]]
    probes = {name: CONTAINERS["door"][f"{name}Probe"]["httpGet"] for name in ("liveness", "readiness", "startup")}
    assert {probe["port"] for probe in probes.values()} == {port["name"]}
    assert (probes["liveness"]["path"], probes["readiness"]["path"]) == ("/healthz", "/readyz")
    assert of_kind("StatefulSet")["honk-worker"]["spec"]["serviceName"] in of_kind("Service")


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_has_no_more_than_it_needs(name: str) -> None:
    container = CONTAINERS[name]
    workload = DOOR if name == "door" else WORKERS
    allowed = container["securityContext"]
    assert (pod(workload)["securityContext"] | allowed)["runAsNonRoot"] is True
    assert (allowed["readOnlyRootFilesystem"], allowed["allowPrivilegeEscalation"]) == (True, False)
    assert allowed["capabilities"] == {"drop": ["ALL"]}
    assert "privileged" not in allowed
    profile = (pod(workload)["securityContext"] | allowed)["seccompProfile"]["type"]
    assert profile == ("Unconfined" if name == "runner" else "RuntimeDefault")
    assert ("procMount" in allowed) is (name == "runner")
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
    assert "memory" in container["resources"]["limits"]
    assert container["image"] == KUSTOMIZATION["images"][0]["name"]
    assert mounts(container) <= {volume["name"] for volume in pod(workload)["volumes"]}
    kinds = {"liveness", "readiness", "startup"}
    assert name == "socket-folder" or any(f"{kind}Probe" in container for kind in kinds)


@pytest.mark.parametrize("workload", [DOOR, WORKERS], ids=["door", "workers"])
def test_pods_get_no_token_and_no_variables_of_kubernetes(workload: Spec) -> None:
    assert pod(workload)["automountServiceAccountToken"] is False
    assert pod(workload)["enableServiceLinks"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod(workload).keys()
    assert "fsGroup" not in pod(workload)["securityContext"]  # the runner would be in the broker's group


def test_broker_and_runner_are_the_images_users_and_share_a_folder_only() -> None:
    dockerfile = (FOLDER.parent / "docker/Dockerfile").read_text()
    for container, name in ((BROKER, "honk"), (RUNNER, "honk-runner")):
        uid, gid = user(container, WORKERS)
        assert uid == gid
        assert f"useradd --uid {uid} --no-create-home {name} " in dockerfile
    assert user(CONTAINERS["door"], DOOR) == user(BROKER, WORKERS)
    assert mounts(BROKER) & mounts(RUNNER) == {"socket"}
    maker = CONTAINERS["socket-folder"]
    assert user(maker, WORKERS) == (user(RUNNER, WORKERS)[0], user(BROKER, WORKERS)[1])
    assert mounts(maker) == {"socket"}
    socket = Path(env(RUNNER)["HONK_RUNNER_SOCKET"])
    assert maker["command"] == ["install", "--directory", "--mode=2750", str(socket.parent)]
    assert [each["name"] for each in pod(WORKERS)["initContainers"]] == ["socket-folder", "runner"]
    assert RUNNER["restartPolicy"] == "Always"


def test_each_is_told_what_it_takes_and_the_runner_no_secret() -> None:
    assert "envFrom" not in RUNNER
    runner = read_runner_settings(env(RUNNER))
    assert runner.socket == Path(env(BROKER)["HONK_RUNNER_SOCKET"])
    for container in (CONTAINERS["door"], BROKER):
        assert env(container).keys() <= NAMES.keys()
        (key,) = [each for each in container["volumeMounts"] if each["name"] == "private-key"]
        assert Path(env(container)["HONK_PRIVATE_KEY_FILE"]).parent == Path(key["mountPath"])
        told = {**SECRET, "ANTHROPIC_API_KEY": "k", **env(container)}
        told |= {"HONK_PRIVATE_KEY": PEM, "HONK_PRIVATE_KEY_FILE": ""}
        settings = read_settings(told)
        assert any(settings.data_dir.is_relative_to(each["mountPath"]) for each in container["volumeMounts"])
    assert settings.worker_id == "honk-worker-0"
    assert {"fieldRef": {"fieldPath": "metadata.name"}} in [each.get("valueFrom") for each in BROKER["env"]]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl")
def test_kustomize_takes_them() -> None:
    command = ["kubectl", "kustomize", str(FOLDER)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    made = list(yaml.safe_load_all(done.stdout))
    assert len(made) == len(OBJECTS)
    assert {each["metadata"]["namespace"] for each in made if each["kind"] != "Namespace"} == {"honk"}
    assert "image: honk\n" not in done.stdout
