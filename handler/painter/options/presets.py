"""The presets: named sets of options, chosen by looking at what they paint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_EVERY_BLOCK: Final = tuple(f"conv{block}_1" for block in range(1, 6))


def weights_by_block(*weights: float) -> dict[str, float]:
    """A weight for the first layer of each of the five blocks."""
    return dict(zip(_EVERY_BLOCK, weights, strict=True))


PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "bruno": {},
    "neighbors": {
        "alpha": 0.5,
        "beta": 20.0,
        "content_layers": {"conv3_1": 0.3, "conv4_1": 0.7},
        "style_loss": {"neighbors": 3.0, "gram": 1.0},
        "steps": 120,
    },
    "strotss": {
        "alpha": 32.0,
        "beta": 20.0,
        "content_loss": {"self_similarity": 1.0},
        "style_loss": {"relaxed_transport": 1.0, "gram": 0.5},
        "steps": 120,
    },
    "gatys": {
        "beta": 20.0,
        "content_layers": {"conv4_2": 1.0},
        "style_layers": weights_by_block(0.2, 0.2, 0.2, 0.2, 0.2),
        "levels": 1,
        "optimizer": "lbfgs",
        "steps": 300,
        "averaging": 0.0,
        "tv": 0.0,
    },
    "draft": {"size": 256, "steps": 40},
    "fine": {"size": 1024, "steps": 160},
}
