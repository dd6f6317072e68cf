"""What two places of the manifests, or a manifest and the code, have to say alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import model_limits
from promql import GATEWAY, asked, told

from image import probe
from serve import READY_SECONDS
from server_process import GRACE_SECONDS
from settings import OFFSETS, StartError, read_settings

Document = dict[str, Any]
# Made by hand, since they are nobody else's business; docs/deploy.md tells how.
SECRETS = {"bruno-token": {"token"}, "bruno-keys": {"keys"}}
READ_ONLY = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def faults(documents: list[Document], gateway: str, servers: str) -> list[str]:
    """What does not fit, one sentence each; `gateway` and `servers` are HAProxy's two files."""
    by_kind: dict[str, list[Document]] = {}
    for document in documents:
        by_kind.setdefault(document["kind"], []).append(document)
    deployments = {each["metadata"]["name"]: each for each in by_kind["Deployment"]}
    settings = next(each for each in by_kind["ConfigMap"] if "DRAIN" in each["data"])["data"]
    try:
        read_settings(settings)
    except StartError as error:
        return [str(error)]
    return [
        *_selectors(by_kind, deployments),
        *_references(by_kind, deployments),
        *_ports(by_kind, deployments, settings, servers),
        *_times(deployments, settings),
        *_security(deployments),
        *_gateway(deployments["bruno-gateway"], gateway),
        *_places(deployments["bruno-gateway"], gateway, settings["DEVICE"]),
        *(
            fault
            for each in by_kind.get("ScaledObject", [])
            for fault in _scaling(each, deployments, settings)
        ),
    ]


def pod(deployment: Document) -> Document:
    """The specification of what a deployment runs."""
    return dict(deployment["spec"]["template"]["spec"])


def container(deployment: Document) -> Document:
    """Its one container."""
    (only,) = pod(deployment)["containers"]
    return dict(only)


def _labels(deployment: Document) -> dict[str, str]:
    return dict(deployment["spec"]["template"]["metadata"]["labels"])


def _selected(labels: dict[str, str], deployments: dict[str, Document]) -> list[Document]:
    return [each for each in deployments.values() if labels.items() <= _labels(each).items()]


def _selectors(
    by_kind: dict[str, list[Document]], deployments: dict[str, Document]
) -> Iterator[str]:
    for name, each in deployments.items():
        if not each["spec"]["selector"]["matchLabels"].items() <= _labels(each).items():
            yield f"deployment {name} does not select its own pods"
    selectors = {
        "Service": lambda spec: spec["selector"],
        "PodDisruptionBudget": lambda spec: spec["selector"]["matchLabels"],
        "NetworkPolicy": lambda spec: spec["podSelector"]["matchLabels"],
    }
    for kind, labels_of in selectors.items():
        for each in by_kind[kind]:
            if len(_selected(labels_of(each["spec"]), deployments)) != 1:
                yield f"{kind} {each['metadata']['name']} selects no deployment"


def _references(
    by_kind: dict[str, list[Document]], deployments: dict[str, Document]
) -> Iterator[str]:
    maps = {each["metadata"]["name"] for each in by_kind["ConfigMap"]}
    accounts = {each["metadata"]["name"] for each in by_kind["ServiceAccount"]}
    for name, each in deployments.items():
        runs, spec = container(each), pod(each)
        if spec["serviceAccountName"] not in accounts:
            yield f"{name} has an account that there is not"
        named = {source["configMapRef"]["name"] for source in runs.get("envFrom", [])}
        volumes = spec["volumes"]
        named |= {one["configMap"]["name"] for one in volumes if "configMap" in one}
        if named - maps:
            yield f"{name} asks for the ConfigMap {named - maps}"
        secrets = {one["secret"]["secretName"] for one in volumes if "secret" in one}
        for variable in runs["env"]:
            key = variable.get("valueFrom", {}).get("secretKeyRef")
            if key and key["key"] not in SECRETS.get(key["name"], set()):
                yield f"{name} asks for the secret {key}"
        if secrets - set(SECRETS):
            yield f"{name} asks for the secret {secrets - set(SECRETS)}"
        mounted = {mount["name"] for mount in runs["volumeMounts"]}
        if mounted != {volume["name"] for volume in volumes}:
            yield f"{name} mounts other volumes than it has"


def _ports(
    by_kind: dict[str, list[Document]],
    deployments: dict[str, Document],
    settings: dict[str, str],
    servers: str,
) -> Iterator[str]:
    ports = {
        name: {port["name"]: port["containerPort"] for port in container(each)["ports"]}
        for name, each in deployments.items()
    }
    for service in by_kind["Service"]:
        for target in _selected(service["spec"]["selector"], deployments):
            for port in service["spec"]["ports"]:
                if port["targetPort"] not in ports[target["metadata"]["name"]]:
                    yield f"service {service['metadata']['name']} has no port {port['targetPort']}"
    for policy in by_kind["NetworkPolicy"]:
        opened = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
        for target in _selected(policy["spec"]["podSelector"]["matchLabels"], deployments):
            for port in opened - set(ports[target["metadata"]["name"]]):
                yield f"policy {policy['metadata']['name']} opens {port}"
    for name, each in deployments.items():
        told_at = each["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"]
        if int(told_at) not in ports[name].values():
            yield f"{name} tells its metrics at {told_at}"
    port = read_settings(settings).port
    if ports["bruno-server"]["http"] != port:
        yield f"the server listens at {port}"
    if settings["SERVER"] == "torchserve" and (
        ports["bruno-server"].get("metrics") != port + OFFSETS["metrics"]
    ):
        yield f"the server tells its metrics at {port + OFFSETS['metrics']}"
    names = {each["metadata"]["name"] for each in by_kind["Service"]}
    for service_name, at in re.findall(
        r"\"([\w-]+)\.\$\{BRUNO_NAMESPACE\}\.svc\S*:(\d+)\"", servers
    ):
        if service_name not in names | {"bruno-canary"} or int(at) != port:
            yield f"the gateway looks for {service_name}:{at}"


def _times(deployments: dict[str, Document], settings: dict[str, str]) -> Iterator[str]:
    drain = int(settings["DRAIN"])
    for name, each in deployments.items():
        (_, pause) = container(each)["lifecycle"]["preStop"]["exec"]["command"]
        needed = int(pause) + drain + GRACE_SECONDS
        if pod(each)["terminationGracePeriodSeconds"] <= needed:
            yield f"{name} is killed before the {needed:g} s that its paintings may take"
    server = container(deployments["bruno-server"])
    start = server["startupProbe"]
    if start["periodSeconds"] * start["failureThreshold"] < READY_SECONDS:
        yield "the startup probe gives up before serve.py does"
    for kind, question in (("startup", "started"), ("readiness", "ready"), ("liveness", "alive")):
        asks = server[f"{kind}Probe"]
        if asks["exec"]["command"] != ["python", "config/image/probe.py", question]:
            yield f"the {kind} probe asks another question"
        if asks["timeoutSeconds"] <= 2 * probe.ANSWER_SECONDS:
            yield f"the {kind} probe is cut off while it asks"


def _security(deployments: dict[str, Document]) -> Iterator[str]:
    for name, each in deployments.items():
        runs, spec = container(each), pod(each)
        if runs["securityContext"] != READ_ONLY:
            yield f"{name} may do more than it has to"
        about = spec["securityContext"]
        if not about["runAsNonRoot"] or about["seccompProfile"] != {"type": "RuntimeDefault"}:
            yield f"{name} runs as anybody"
        if (
            "memory" not in runs["resources"]["limits"]
            or "cpu" not in runs["resources"]["requests"]
        ):
            yield f"{name} tells no resources"
        if spec["automountServiceAccountToken"]:
            yield f"{name} has a token of the cluster"


def _gateway(deployment: Document, configuration: str) -> Iterator[str]:
    given = {variable["name"] for variable in container(deployment)["env"]}
    for name in sorted(given - {"BRUNO_NAMESPACE"}):
        if f"${{{name}}}" not in configuration:
            yield f"the gateway's configuration does not ask for {name}"
    known = set(re.findall(r"presetenv (\w+)", configuration)) | {"BRUNO_NAMESPACE"}
    optional = set(re.findall(r"\.if defined\((\w+)\)", configuration))
    wanted = set(re.findall(r"\$\{(\w+)\}|env\((\w+)\)", configuration))
    for name in sorted({a or b for a, b in wanted} - known - optional - given):
        yield f"the gateway's configuration asks for {name}"


def _places(deployment: Document, configuration: str, device: str) -> Iterator[str]:
    preset = dict(re.findall(r"presetenv (\w+) (\S+)", configuration))
    given = {each["name"]: each.get("value") for each in container(deployment)["env"]}
    told = (preset | given)["BRUNO_GATEWAY_PLACES"]
    there = model_limits.places(device) + model_limits.line()
    if int(told) != there:
        yield f"the gateway sends a server {told} paintings, and it has {there} places"


def _scaling(
    scaled: Document, deployments: dict[str, Document], settings: dict[str, str]
) -> Iterator[str]:
    spec = scaled["spec"]
    target = deployments.get(spec["scaleTargetRef"]["name"])
    if target is None:
        yield f"{scaled['metadata']['name']} scales nothing"
    elif "replicas" in target["spec"]:
        yield "two decide how many servers there are"
    drain = int(settings["DRAIN"])
    down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    if down["stabilizationWindowSeconds"] <= drain or spec["cooldownPeriod"] <= drain:
        yield "servers are taken away before the longest painting could have ended"
    if (
        not spec["minReplicaCount"]
        <= spec.get("fallback", {}).get("replicas", 1)
        <= (spec["maxReplicaCount"])
    ):
        yield "the fallback is outside the bounds"
    triggers = {trigger["name"]: trigger["metadata"] for trigger in spec["triggers"]}
    for name, about in triggers.items():
        if not asked(about["query"]) <= told() | GATEWAY:
            yield f"the trigger {name} asks for what nobody tells: {about['query']}"
        if "latency" in about["query"]:
            yield f"the trigger {name} looks at a counter that only grows"
    places = model_limits.places(settings["DEVICE"])
    if not 0 < float(triggers["painted"]["threshold"]) < places:
        yield f"a server with {places} places never has more than {triggers['painted']}"
