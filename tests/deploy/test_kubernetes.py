"""The manifests, as kustomize makes them of each overlay: valid, and of one mind with the code."""

from __future__ import annotations

import copy
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject
from couplings import Document, container, faults, pod
from programs import needs
from promql import CONFIG, asked, told

KUBERNETES = CONFIG / "kubernetes"
KUBERNETES_VERSIONS = ("1.32", "1.37")
OVERLAYS = ("cpu", "gpu")
# Overlays of one's own add components; each is tried on the overlay of CPUs.
ADDED = ("asgi", "scale-to-zero")
needs_kubectl = needs("kubectl")
pytestmark = needs_kubectl


def rendered(folder: Path) -> list[Document]:
    words = ["kubectl", "kustomize", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


@cache
def _overlay(name: str) -> list[Document]:
    return rendered(KUBERNETES / "overlays" / name)


def overlay(name: str = "cpu") -> list[Document]:
    return copy.deepcopy(_overlay(name))


def with_component(name: str, folder: Path) -> list[Document]:
    """The overlay of CPUs with one component more, as an operator would have it."""
    shutil.copytree(CONFIG, folder / "config", ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "config/kubernetes/overlays/cpu/kustomization.yaml"
    kustomization = yaml.safe_load(path.read_text())
    kustomization["components"].append(f"../../components/{name}")
    path.write_text(yaml.safe_dump(kustomization))
    return rendered(path.parent)


def only(documents: list[Document], kind: str, name: str) -> Document:
    (found,) = [
        each for each in documents if (each["kind"], each["metadata"]["name"]) == (kind, name)
    ]
    return found


def found(documents: list[Document]) -> list[str]:
    gateway = (CONFIG / "gateway/haproxy.cfg").read_text()
    return faults(documents, gateway, (KUBERNETES / "gateway/servers.cfg").read_text())


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
@pytest.mark.parametrize("name", OVERLAYS)
def test_every_document_is_one_of_kubernetes(name: str, version: str) -> None:
    documents = overlay(name)
    for document in documents:
        if document["kind"] != "ScaledObject":
            kubernetes_validate.validate(document, version, strict=True)
    kinds = {document["kind"] for document in documents}
    assert {"Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"} <= kinds
    assert {"ServiceAccount", "ConfigMap", "ScaledObject"} <= kinds
    assert "Secret" not in kinds


def test_a_document_that_is_none_is_refused() -> None:
    server = only(overlay(), "Deployment", "bruno-server")
    pod(server)["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(server, KUBERNETES_VERSIONS[0], strict=True)


def known_to_keda(document: Document) -> bool:
    """Whether KEDA's own model has all of its fields, of the right types."""
    read = ScaledObject.model_validate(document)
    told_again = read.model_dump(mode="json", by_alias=True, exclude_none=True)
    return bool(told_again["spec"] == document["spec"])


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_scaled_object_is_one_of_keda(name: str) -> None:
    scaled = only(overlay(name), "ScaledObject", "bruno-server")
    assert known_to_keda(scaled)
    scaled["spec"]["pollingIntervall"] = 15
    assert not known_to_keda(scaled)


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_is_of_one_mind(name: str) -> None:
    assert found(overlay(name)) == []


@pytest.mark.parametrize("name", ADDED)
def test_a_component_leaves_it_of_one_mind(name: str, tmp_path: Path) -> None:
    documents = with_component(name, tmp_path)
    assert found(documents) == []
    scaled = only(documents, "ScaledObject", "bruno-server")
    assert known_to_keda(scaled)
    assert scaled["spec"]["minReplicaCount"] == (0 if name == "scale-to-zero" else 1)
    for document in documents:
        if document["kind"] != "ScaledObject":
            kubernetes_validate.validate(document, KUBERNETES_VERSIONS[0], strict=True)


def server(change: Callable[[Document], object]) -> Callable[[list[Document]], object]:
    return lambda documents: change(only(documents, "Deployment", "bruno-server"))


def gateway(change: Callable[[Document], object]) -> Callable[[list[Document]], object]:
    return lambda documents: change(only(documents, "Deployment", "bruno-gateway"))


def scaled(change: Callable[[Document], object]) -> Callable[[list[Document]], object]:
    return lambda documents: change(only(documents, "ScaledObject", "bruno-server")["spec"])


def settings(**more: str) -> Callable[[list[Document]], object]:
    def change(documents: list[Document]) -> None:
        maps = [each for each in documents if each["kind"] == "ConfigMap"]
        next(each for each in maps if "DRAIN" in each["data"])["data"].update(more)

    return change


def put(thing: Any, *way: Any) -> None:
    """Sets what is at the end of a way, whose last word is the value."""
    *steps, last, value = way
    for step in steps:
        thing = thing[step]
    thing[last] = value


WRONG: dict[str, Callable[[list[Document]], object]] = {
    "is killed before": server(
        lambda d: put(d, "spec", "template", "spec", "terminationGracePeriodSeconds", 600)
    ),
    "the 1220 s that": settings(DRAIN="1200"),
    "DRAIN must be whole seconds": settings(DRAIN="an hour"),
    "does not select its own pods": server(
        lambda d: put(d, "spec", "selector", "matchLabels", {"app": "other"})
    ),
    "Service bruno-servers selects no deployment": lambda ds: put(
        only(ds, "Service", "bruno-servers"), "spec", "selector", {"app": "other"}
    ),
    "PodDisruptionBudget bruno-server selects": lambda ds: put(
        only(ds, "PodDisruptionBudget", "bruno-server"),
        "spec",
        "selector",
        "matchLabels",
        {"a": "b"},
    ),
    "service bruno has no port web": lambda ds: put(
        only(ds, "Service", "bruno"), "spec", "ports", 0, "targetPort", "web"
    ),
    "policy bruno-server opens 9090": lambda ds: put(
        only(ds, "NetworkPolicy", "bruno-server"), "spec", "ingress", 1, "ports", 0, "port", 9090
    ),
    "tells its metrics at 8083": server(
        lambda d: put(
            d, "spec", "template", "metadata", "annotations", "prometheus.io/port", "8083"
        )
    ),
    "the server listens at 9000": settings(PORT="9000"),
    "the gateway looks for bruno-servers:8080": settings(PORT="9000"),
    "the server tells its metrics at 8082": server(
        lambda d: put(container(d), "ports", 1, "containerPort", 9082)
    ),
    "asks for the ConfigMap": server(
        lambda d: put(container(d), "envFrom", 0, "configMapRef", "name", "other")
    ),
    "asks for the secret": server(
        lambda d: put(container(d), "env", 0, "valueFrom", "secretKeyRef", "key", "other")
    ),
    "an account that there is not": server(
        lambda d: put(d, "spec", "template", "spec", "serviceAccountName", "other")
    ),
    "mounts other volumes": server(lambda d: container(d)["volumeMounts"].pop()),
    "the startup probe gives up": server(
        lambda d: put(container(d), "startupProbe", "failureThreshold", 10)
    ),
    "the readiness probe asks another question": server(
        lambda d: put(container(d), "readinessProbe", "exec", "command", 2, "alive")
    ),
    "the liveness probe is cut off": server(
        lambda d: put(container(d), "livenessProbe", "timeoutSeconds", 5)
    ),
    "may do more than it has to": gateway(
        lambda d: put(container(d), "securityContext", "readOnlyRootFilesystem", False)
    ),
    "runs as anybody": server(
        lambda d: put(d, "spec", "template", "spec", "securityContext", "runAsNonRoot", False)
    ),
    "tells no resources": server(lambda d: put(container(d), "resources", "limits", {})),
    "does not ask for BRUNO_GATEWAY_PORT": gateway(
        lambda d: container(d)["env"].append({"name": "BRUNO_GATEWAY_PORT", "value": "1"})
    ),
    "configuration asks for BRUNO_GATEWAY_KEYS": gateway(lambda d: container(d)["env"].pop(2)),
    "and it has 68 places": settings(DEVICE="cuda"),
    "scales nothing": scaled(lambda s: put(s, "scaleTargetRef", "name", "other")),
    "two decide": server(lambda d: put(d, "spec", "replicas", 3)),
    "before the longest painting could": scaled(lambda s: put(s, "cooldownPeriod", 300)),
    "the fallback is outside": scaled(lambda s: put(s, "fallback", "replicas", 80)),
    "asks for what nobody tells": scaled(
        lambda s: put(s, "triggers", 0, "metadata", "query", "sum(bruno_jobs)")
    ),
    "that only grows": scaled(
        lambda s: put(s, "triggers", 0, "metadata", "query", "ts_queue_latency_microseconds")
    ),
    "never has more than": scaled(lambda s: put(s, "triggers", 1, "metadata", "threshold", "4")),
}


@pytest.mark.parametrize("told_of", WRONG)
def test_a_wrong_coupling_is_found(told_of: str) -> None:
    documents = overlay()
    WRONG[told_of](documents)
    assert [fault for fault in found(documents) if told_of in fault]


def test_the_image_is_run_as_its_own_user() -> None:
    (user,) = re.findall(r"^USER (\d+):\d+$", (CONFIG.parent / "Dockerfile").read_text(), re.M)
    for name in OVERLAYS:
        spec = pod(only(overlay(name), "Deployment", "bruno-server"))
        assert spec["securityContext"]["runAsUser"] == int(user)


def test_a_gpu_is_asked_for_and_given_back_before_the_next() -> None:
    deployment = only(overlay("gpu"), "Deployment", "bruno-server")
    assert container(deployment)["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


@needs("haproxy")
@pytest.mark.parametrize("name", OVERLAYS)
def test_haproxy_takes_the_configuration_of_the_cluster(name: str, tmp_path: Path) -> None:
    documents = overlay(name)
    deployment = only(documents, "Deployment", "bruno-gateway")
    environment = {
        each["name"]: each.get("value", "x" * 16) for each in container(deployment)["env"]
    }
    keys = tmp_path / "keys"
    keys.touch()
    files = []
    for volume in pod(deployment)["volumes"]:
        if "configMap" in volume:
            data = only(documents, "ConfigMap", volume["configMap"]["name"])["data"]
            for file, text in data.items():
                (tmp_path / file).write_text(text)
                files += ["-f", str(tmp_path / file)]
    words = ["haproxy", "-c", *files]
    environment |= {"PATH": os.environ["PATH"], "BRUNO_GATEWAY_KEYS": str(keys)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_kserve_says_what_the_deployment_says() -> None:
    runtime, service = (
        yaml.safe_load((CONFIG / "kserve" / f"{name}.yaml").read_text())
        for name in ("servingruntime", "inferenceservice")
    )
    deployment = only(overlay(), "Deployment", "bruno-server")
    ours, (theirs,) = container(deployment), runtime["spec"]["containers"]
    for part in ("startupProbe", "livenessProbe", "lifecycle", "resources", "volumeMounts"):
        assert theirs[part] == ours[part]
    assert runtime["spec"]["volumes"] == pod(deployment)["volumes"]
    assert theirs["securityContext"].items() > ours["securityContext"].items()
    predictor = service["spec"]["predictor"]
    assert predictor["model"]["runtime"] == runtime["metadata"]["name"]
    (made_for,) = runtime["spec"]["supportedModelFormats"]
    assert predictor["model"]["modelFormat"].items() <= made_for.items()
    grace = pod(deployment)["terminationGracePeriodSeconds"]
    assert predictor["terminationGracePeriodSeconds"] == grace
    scaling = only(overlay(), "ScaledObject", "bruno-server")["spec"]
    behavior = scaling["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert predictor["autoScaling"]["behavior"]["scaleDown"] == behavior["scaleDown"]
    for metric in predictor["autoScaling"]["metrics"]:
        assert asked(metric["external"]["metric"]["query"]) <= told()
