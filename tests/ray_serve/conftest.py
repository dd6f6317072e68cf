"""A Ray cluster of two nodes on this machine, with Bruno deployed as its manifest has it."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bruno import Bruno
from serving import find_port

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "config" / "ray" / "bruno.yaml"
REQUIRE = "BRUNO_REQUIRE_RAY"
TOKEN = "t" * 32
# Ray's nodes and replicas have it from here. The machine that tests may be full without being
# ours: Ray is to end nothing for that, and to stand behind nobody (it is nice by 15 otherwise).
ENVIRONMENT = {
    "BRUNO_TOKEN": TOKEN,
    "BRUNO_DEVICE": "cpu",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_memory_monitor_refresh_ms": "0",
    "RAY_worker_niceness": "0",
}
NODES = ({"num_cpus": 4, "num_gpus": 1}, {"num_cpus": 4, "num_gpus": 2})
SMALL = {"object_store_memory": 80 * 2**20, "include_dashboard": False}


def told() -> dict[str, Any]:
    """The manifest."""
    manifest: dict[str, Any] = yaml.safe_load(MANIFEST.read_text())
    return manifest


def environment() -> dict[str, str]:
    """What the manifest has in the environment of every pod, but for secrets."""
    group = told()["spec"]["rayClusterConfig"]["headGroupSpec"]
    (container,) = group["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"] if "value" in one}


def serve_config() -> dict[str, Any]:
    """What the manifest tells Ray Serve."""
    config: dict[str, Any] = yaml.safe_load(told()["spec"]["serveConfigV2"])
    return config


def until(is_so: Callable[[], Any], what: str, seconds: float = 300) -> None:
    """Waits for something, however busy the machine is."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.1)


class Fleet:
    """The deployment on the cluster: its replicas, by name, and how it is changed."""

    def __init__(self, url: str, model: Path) -> None:
        self.url, self.model = url, model

    def client(self) -> Bruno:
        return Bruno(self.url, token=TOKEN)

    def deploy(self, **changes: Any) -> None:
        """The model as the manifest has it, but for these changes; waits for it to paint."""
        import bruno_ray
        from ray import serve

        (application,) = serve_config()["applications"]
        (deployment,) = application["deployments"]
        options = {**deployment, **changes}
        options["ray_actor_options"] = {**options["ray_actor_options"], "num_cpus": 1}
        if options.get("num_replicas"):
            del options["autoscaling_config"]
        bound = bruno_ray.Bruno.options(**options).bind(str(self.model))
        serve.run(bound, name=application["name"], route_prefix=application["route_prefix"])

    def running(self) -> int:
        """How many replicas can paint."""
        from ray import serve

        there = serve.status().applications.get("bruno")
        return int(there.deployments["Bruno"].replica_states.get("RUNNING", 0)) if there else 0

    def replicas(self) -> dict[str, Any]:
        """The actors of all replicas that live."""
        import ray

        names = [one["name"] for one in ray.util.list_named_actors(all_namespaces=True)]
        return {
            name: ray.get_actor(name, namespace="serve")
            for name in names
            if name.startswith("SERVE_REPLICA::bruno#Bruno#")
        }

    def ongoing(self) -> dict[str, int]:
        """How many requests each replica has."""
        import ray

        asked = {
            name: one.get_num_ongoing_requests.remote() for name, one in self.replicas().items()
        }
        return {name: ray.get(answer) for name, answer in asked.items()}


@pytest.fixture(scope="session")
def model(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, unpacked."""
    folder = tmp_path_factory.mktemp("model")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def fleet(model: Path) -> Iterator[Fleet]:
    """Two nodes with three pretended GPUs, which three replicas fill; all paint on CPUs."""
    if os.environ.get(REQUIRE) != "1":
        pytest.importorskip("ray", reason="no Ray: `make test-ray` installs it")
    import ray
    from ray import serve
    from ray.cluster_utils import Cluster

    path = os.pathsep.join([str(model), str(MANIFEST.parent)])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**environment(), **ENVIRONMENT, "PYTHONPATH": path}.items():
            patch.setenv(name, value)
        patch.syspath_prepend(str(MANIFEST.parent))
        cluster = Cluster(initialize_head=True, head_node_args={**NODES[0], **SMALL})
        cluster.add_node(**NODES[1], object_store_memory=SMALL["object_store_memory"])
        ray.init(cluster.address, log_to_driver=False, logging_level="warning")
        port = find_port()
        serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": port})
        yield Fleet(f"http://127.0.0.1:{port}", model)
        serve.shutdown()
        ray.shutdown()
        cluster.shutdown()
