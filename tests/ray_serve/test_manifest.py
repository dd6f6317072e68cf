"""The manifest for KubeRay holds together, and Ray Serve understands its part."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from .conftest import ROOT, serve_config, told

pytestmark = pytest.mark.filterwarnings("ignore")

SCHEMA = json.loads((Path(__file__).parent / "rayservice.json").read_text())
CLUSTER = told()["spec"]["rayClusterConfig"]
(WORKERS,) = CLUSTER["workerGroupSpecs"]
HEAD = CLUSTER["headGroupSpec"]


def container(group: dict[str, Any]) -> dict[str, Any]:
    (one,) = group["template"]["spec"]["containers"]
    return dict(one)


def deployment() -> dict[str, Any]:
    ((one,),) = (application["deployments"] for application in serve_config()["applications"])
    return dict(one)


def test_kuberay_knows_every_field() -> None:
    jsonschema.validate(told(), SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**told(), "spec": {**told()["spec"], "replicas": 3}}, SCHEMA)


def test_ray_serve_knows_every_field() -> None:
    from ray.serve.schema import ServeDeploySchema

    # It passes over what it does not know.
    known = ServeDeploySchema.model_validate(serve_config()).model_dump_json(exclude_unset=True)
    assert json.loads(known) == serve_config()


def test_the_deployment_is_the_one_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "config" / "ray")
    import bruno_ray

    (application,) = serve_config()["applications"]
    bound = getattr(bruno_ray, application["import_path"].partition(":")[2])(application["args"])
    assert bound._bound_deployment.name == deployment()["name"]


def test_a_replica_fits_into_a_worker() -> None:
    needs, has = deployment()["ray_actor_options"], container(WORKERS)["resources"]["requests"]
    assert needs["num_cpus"] <= int(has["cpu"])
    assert needs["num_gpus"] == has["nvidia.com/gpu"]
    assert WORKERS["maxReplicas"] == deployment()["autoscaling_config"]["max_replicas"]
    assert WORKERS["minReplicas"] == deployment()["autoscaling_config"]["min_replicas"]


def test_whoever_is_replaced_has_time_to_paint_to_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(ROOT / "config" / "ray")
    import bruno_ray

    drains = bruno_ray.Bruno._deployment_config.graceful_shutdown_timeout_s
    assert WORKERS["template"]["spec"]["terminationGracePeriodSeconds"] >= drains


def test_all_pods_have_the_same_ray_modules_and_token() -> None:
    assert CLUSTER["rayVersion"] == version("ray")
    head, worker = container(HEAD), container(WORKERS)
    assert (head["image"], head["env"]) == (worker["image"], worker["env"])
    environment = {one["name"]: one for one in worker["env"]}
    (application,) = serve_config()["applications"]
    assert application["args"]["model"] in environment["PYTHONPATH"]["value"].split(":")
    assert environment["BRUNO_TOKEN"]["valueFrom"] == {
        "secretKeyRef": {"name": told()["metadata"]["name"], "key": "token"}
    }
