"""TorchServe's process: its properties, filled in for one server, and its command."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from string import Template

import yaml

from settings import OFFSETS, WORKER_OFFSET, Settings, StartError

CONFIG = Path(__file__).resolve().parent
# As many as the handler paints where its limits say 0.
RUNNING = {"cpu": 4, "cuda": 64}
# So many are told at once that there is no place, or asked what the service can do.
REFUSED_AT_ONCE = 16


def write_properties(folder: Path, settings: Settings, archive: Path) -> Path:
    """Fill in config.properties for one server; returns the file written."""
    port = settings.port
    template = Template((CONFIG / "config.properties").read_text())
    values = {
        "bind": settings.bind,
        "port": port,
        "management_port": port + OFFSETS["management"],
        "metrics_bind": settings.metrics_bind,
        "metrics_port": port + OFFSETS["metrics"],
        "grpc_inference_port": port + OFFSETS["gRPC inference"],
        "grpc_management_port": port + OFFSETS["gRPC management"],
        "worker_port": port + WORKER_OFFSET,
        "model_store": archive.resolve().parent,
        "archive": archive.name,
        "batch_size": batch_size(settings.device),
        "has_own_token": "true" if settings.token else "false",
        "metrics_config": CONFIG / "metrics.yaml",
    }
    properties = folder / "config.properties"
    properties.write_text(template.substitute(values))
    return properties


def batch_size(device: str) -> int:
    """How many requests TorchServe hands on: those that run and wait, and some to be refused."""
    return places(device) + REFUSED_AT_ONCE


def places(device: str) -> int:
    """How many paintings a server has in the making and in its line."""
    limits = yaml.safe_load((CONFIG / "model-config.yaml").read_text())["handler"]
    return int(limits["running"] or RUNNING[device]) + int(limits["waiting"])


def torchserve_command(java: Path, properties: Path) -> list[str]:
    """The command of TorchServe's own launcher, whose PID file and detached Java we do without."""
    package = find_spec("ts")
    if package is None or package.origin is None:
        raise StartError("TorchServe is not installed: run `make setup`.")
    home = Path(package.origin).parent.parent
    lines = properties.read_text().splitlines()
    (options,) = (line.partition("=")[2] for line in lines if line.startswith("vmargs="))
    machine = [
        f"-Dmodel_server_home={home}",
        f"-Dlog4j.configurationFile={(CONFIG / 'log4j2.xml').as_uri()}",
        f"-Djava.io.tmpdir={properties.parent / 'tmp'}",
        *options.split(),
    ]
    server = ["-cp", str(home / "ts" / "frontend" / "*"), "org.pytorch.serve.ModelServer"]
    asked = ["--python", sys.executable, "-f", str(properties), "-ncs"]
    return [str(java), *machine, *server, *asked]
