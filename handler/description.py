"""What the service tells about itself: its limits, its options, how busy it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from fields import BODY_BYTES
from painter.engine.painter import Painter
from painter.options.catalog import PRESETS, SHORTEST_SIDE, SPECS, STYLES_MOST, describe_options
from painter.pictures.decoding import PIXELS_MOST

# What `running: 0` stands for: on CUDA as many as memory takes, up to what the server hands on.
RUNNING: Final = {"cpu": 4, "cuda": 64}


@dataclass(frozen=True, slots=True)
class Limits:
    """How many paintings run (0: as the device can) and wait; a slice and a silence in seconds."""

    running: int = 0
    waiting: int = 4
    slice_seconds: float = 0.5
    reap_seconds: float = 5.0

    def on(self, device: str) -> Limits:
        """The same with a number of its own for a device, `cpu` or `cuda`."""
        return replace(self, running=self.running or RUNNING[device])


def describe_service(
    painter: Painter, limits: Limits, running: int, waiting: int
) -> dict[str, Any]:
    """All that a client may want to know before it asks for a painting, as JSON values."""
    engine = painter.describe()
    return {
        "name": "bruno",
        "version": engine["versions"]["bruno"],
        "health": _health(limits, running, waiting),
        "running": running,
        "waiting": waiting,
        "options": describe_options(),
        "presets": {name: dict(preset) for name, preset in PRESETS.items()},
        "limits": {
            "running": limits.running,
            "waiting": limits.waiting,
            "body_bytes": BODY_BYTES,
            "content_pixels": PIXELS_MOST,
            "styles": STYLES_MOST,
            "shortest_side": SHORTEST_SIDE,
            "size": SPECS["size"].high,
        },
        **engine,
    }


def _health(limits: Limits, running: int, waiting: int) -> str:
    """`ready` to begin at once, `busy` where one would wait, `full` where one is refused."""
    if waiting >= limits.waiting and running >= limits.running:
        return "full"
    return "busy" if waiting or running >= limits.running else "ready"
