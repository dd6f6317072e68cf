"""What a server is told by its environment, checked before anything starts.

It needs nothing beyond the standard library, so that `make serve` says that a port is in use
before it installs anything.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"
WORKER_OFFSET = 10
DRAIN_MOST = 3600
DEVICES = ("cpu", "cuda")
SERVERS = {"torchserve": "TorchServe", "asgi": "Uvicorn"}
# What can be a bearer token (RFC 6750), and is not soon guessed.
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{16,}=*")
OFFSETS = {
    "inference": 0,
    "management": 1,
    "metrics": 2,
    "gRPC inference": 3,
    "gRPC management": 4,
}


class StartError(Exception):
    """A server that cannot start; the message is one sentence for the person who asked."""


@dataclass(frozen=True)
class Settings:
    """Where a server listens and what it paints on; `bind` opens the inference port alone.

    `metrics_bind` opens TorchServe's metrics, which ask for no token, to a cluster's Prometheus.

    `graphs` has a GPU replay evaluations from CUDA graphs, and says nothing of a CPU.
    `drain_seconds` is how long paintings may go on when the server is stopped. `token` is what the
    server asks for, one that it makes where it is empty.
    """

    port: int = 8080
    bind: str = LOOPBACK
    device: str = "cpu"
    graphs: bool = True
    server: str = "torchserve"
    drain_seconds: float = 0.0
    token: str = field(default="", repr=False)
    metrics_bind: str = LOOPBACK

    @property
    def url(self) -> str:
        """The address of the inference port as this machine reaches it."""
        host = LOOPBACK if self.bind == "0.0.0.0" else self.bind  # noqa: S104
        return f"http://{host}:{self.port}"


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from PORT, BIND, METRICS_BIND, DEVICE, GRAPHS, SERVER, DRAIN and BRUNO_TOKEN.

    Raises StartError for values that cannot be.
    """
    port = environment.get("PORT") or "8080"
    highest = 65535 - WORKER_OFFSET
    if not port.isdecimal() or not 1 <= int(port) <= highest:
        raise StartError(f"PORT must be a whole number from 1 to {highest}, not {port!r}.")
    device = environment.get("DEVICE") or "cpu"
    if device not in DEVICES:
        raise StartError(f"DEVICE must be cpu or cuda, not {device!r}.")
    graphs = environment.get("GRAPHS") or ""
    if graphs not in ("on", "off", ""):
        raise StartError(f"GRAPHS must be on or off, not {graphs!r}.")
    if graphs == "on" and device != "cuda":
        raise StartError(f"GRAPHS=on needs DEVICE=cuda, not {device!r}.")
    server = environment.get("SERVER") or "torchserve"
    if server not in SERVERS:
        raise StartError(f"SERVER must be torchserve or asgi, not {server!r}.")
    drain = environment.get("DRAIN") or "20"
    if not drain.isdecimal() or int(drain) > DRAIN_MOST:
        raise StartError(f"DRAIN must be whole seconds from 0 to {DRAIN_MOST}, not {drain!r}.")
    token = environment.get("BRUNO_TOKEN") or ""
    if token and not TOKEN.fullmatch(token):
        raise StartError("BRUNO_TOKEN must be 16 letters, digits or -._~+/ or more.")
    bind = environment.get("BIND") or LOOPBACK
    metrics = environment.get("METRICS_BIND") or LOOPBACK
    return Settings(int(port), bind, device, graphs != "off", server, float(drain), token, metrics)


def check_ports(settings: Settings) -> None:
    """Raise StartError where one of TorchServe's five ports, or the ASGI server's one, is taken."""
    ports = OFFSETS if settings.server == "torchserve" else {"inference": 0}
    hosts = {"inference": settings.bind, "metrics": settings.metrics_bind}
    for name, offset in ports.items():
        port = settings.port + offset
        where = f"Port {port} ({name}{f', PORT+{offset}' if offset else ''})"
        try:
            _try_port(hosts.get(name, LOOPBACK), port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                other = 9000 if not 8990 <= settings.port <= 9010 else 9100
                raise StartError(
                    f"{where} is in use: choose another with `PORT={other} make serve`."
                ) from error
            raise StartError(
                f"{where} cannot be opened at {hosts.get(name, LOOPBACK)}: {error.strerror}."
            ) from error


def _try_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        # As TorchServe does, so that connections that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def main() -> int:
    """Check the settings of the environment; 2 with one sentence where they cannot serve."""
    try:
        check_ports(read_settings())
    except StartError as error:
        print(f"make serve: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
