"""How much the service takes on at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

BODY_BYTES: Final = 48 * 2**20
# What `running: 0` stands for: on CUDA as many as memory takes, up to what the server hands on.
RUNNING: Final = {"cpu": 4, "cuda": 64}


@dataclass(frozen=True, slots=True)
class Limits:
    """How many paintings run (0: as the device can) and how many wait.

    Decoding a picture may take so many seconds of computing.
    """

    running: int = 0
    waiting: int = 4
    decode_seconds: float = 20.0

    def on(self, device: str) -> Limits:
        """The same with a number of its own for a device, `cpu` or `cuda`."""
        return replace(self, running=self.running or RUNNING[device])
