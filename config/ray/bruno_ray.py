"""Bruno on a Ray cluster: the ASGI application as a deployment of Ray Serve.

`bruno.yaml` beside it deploys it by KubeRay, and tells what else it needs.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import ray
from ray import serve

from bruno_service.asgi import Application
from bruno_service.process import serve_archive


@serve.deployment(
    # The service has a line of its own, with places that it tells: Ray is to keep no other.
    max_ongoing_requests=100,
    # Longer than the longest painting: whoever is replaced paints to the end.
    graceful_shutdown_timeout_s=3600,
    health_check_timeout_s=120,
)
@serve.ingress()
class Bruno:
    """One painter, on the GPU that Ray gives it or, with `num_gpus: 0`, on the CPU.

    `model` is the folder of an unpacked archive; the environment has the token of all replicas in
    BRUNO_TOKEN, and in BRUNO_DEVICE a device, if not the one that Ray means. Raises what keeps the
    painter from being made, which Ray tells as the reason why the deployment does not start.
    """

    def __init__(self, model: str) -> None:
        os.environ.setdefault("BRUNO_DEVICE", "cuda" if ray.get_gpu_ids() else "cpu")
        self._token = os.environ["BRUNO_TOKEN"]
        self._service = serve_archive(Path(model))

    def __serve_build_asgi_app__(self) -> Application:
        """The application, whose service is warm before Ray sends it a request."""
        return Application(lambda: self._service, self._token)


def application(args: dict[str, str]) -> Any:
    """What is deployed: `model` of its arguments says where the archive lies."""
    return Bruno.bind(args["model"])  # type: ignore[attr-defined]  # its decorator has no types
