"""What the service tells about itself: its limits, its options, how busy it is."""

from __future__ import annotations

from typing import Any

from bruno_service.limits import BODY_BYTES, Limits
from painter.engine.painter import Painter
from painter.options.catalog import SHORTEST_SIDE, SPECS, STYLES_MOST, describe_options
from painter.options.presets import PRESETS
from painter.pictures.decoding import PIXELS_MOST


def describe_service(
    painter: Painter, limits: Limits, health: str, running: int, waiting: int
) -> dict[str, Any]:
    """All that a client may want to know before it asks for a painting, as JSON values."""
    engine = painter.describe()
    return {
        "name": "bruno",
        "version": engine["versions"]["bruno"],
        "health": health,
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
