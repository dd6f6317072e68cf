"""What a gateway is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from settings import LOOPBACK


@dataclass(frozen=True)
class GatewaySettings:
    """Where a gateway listens, and the servers behind it, each as host:port.

    `token` is what those servers ask for. `keys` is the file of the clients' keys; without one a
    key is made. `more` sets what the configuration leaves to the environment (BRUNO_GATEWAY_…).
    """

    port: int
    token: str = field(repr=False)
    servers: tuple[str, ...] = ()
    canary: tuple[str, ...] = ()
    bind: str = LOOPBACK
    keys: Path | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address of the gateway as this machine reaches it."""
        host = LOOPBACK if self.bind == "0.0.0.0" else self.bind  # noqa: S104
        scheme = "https" if "BRUNO_GATEWAY_TLS" in self.more else "http"
        return f"{scheme}://{host}:{self.port}"
