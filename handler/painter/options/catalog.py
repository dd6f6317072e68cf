"""Every option of a painting: its name, default, bounds and one line of help, once.

The validator, the description that the service gives of itself, the command line's
flags, the SDK's signature and the table of docs/options.md are made from it or tested against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from painter.options.presets import PRESETS, weights_by_block
from painter.options.spec import Spec, option

SHORTEST_SIDE: Final = 32
WEIGHT_MOST: Final = 1e6
STYLES_MOST: Final = 8


Layers = Mapping[str, float]
Losses = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of one painting, all of them valid; made by `reading.read_options`."""

    preset: str = option(
        "bruno",
        "choice",
        "A named set of the options below; options given beside it win.",
        choices=tuple(PRESETS),
    )
    alpha: float = option(1.0, "number", "Weight of the content loss.", low=0, high=WEIGHT_MOST)
    beta: float = option(22.5, "number", "Weight of the style loss.", low=0, high=WEIGHT_MOST)
    content_layers: Layers = option(
        weights_by_block(0.2, 0.2, 0.2, 0.2, 0.2), "layers", "Where the content is compared."
    )
    style_layers: Layers = option(
        weights_by_block(0.5, 0.25, 0.125, 0.0625, 0.03125),
        "layers",
        "Where the style is compared.",
    )
    size: int = option(512, "integer", "The painting's longest side in pixels.", low=64, high=8192)
    steps: int = option(
        57,
        "integer",
        "Evaluations of loss and gradient over all levels; 0 lets a plateau decide.",
        low=0,
        high=5000,
        zero="a plateau decides",
    )
    levels: int = option(
        0,
        "integer",
        "Levels of the coarse-to-fine pyramid; 0 chooses, 1 turns it off.",
        low=0,
        high=8,
        zero="chosen from the size",
    )
    optimizer: str = option("adam", "choice", "How the canvas descends.", choices=("adam", "lbfgs"))
    canvas_space: str = option(
        "pixels",
        "choice",
        "What the optimizer moves: pixels, or the coefficients of a Laplacian pyramid.",
        choices=("pixels", "pyramid"),
    )
    learning_rate: float = option(
        0.05, "number", "Adam's step, in units of the color range.", low=1e-4, high=1.0
    )
    init: str = option(
        "content",
        "choice",
        "What the canvas starts from.",
        choices=("content", "noise", "style", "image"),
    )
    init_noise: float = option(0.0, "number", "Share of noise mixed into the start.", low=0, high=1)
    seed: int = option(0, "integer", "Seed of all that is random.", low=0, high=2**32 - 1)
    content_loss: Losses = option(
        {"l2": 1.0},
        "losses",
        "How the photo is compared; losses are mixed by weights.",
        choices=("l2", "self_similarity"),
    )
    style_loss: Losses = option(
        {"gram": 1.0},
        "losses",
        "How two styles are compared; losses are mixed by weights.",
        choices=("gram", "wasserstein", "sliced", "neighbors", "relaxed_transport"),
    )
    style_scale: float | tuple[float, ...] = option(
        1.0,
        "scales",
        "The style's longest side as a multiple of the canvas's.",
        low=0.1,
        high=4,
    )
    pooling: str = option("max", "choice", "How VGG-19 pools.", choices=("max", "average"))
    seamless: str = option(
        "none",
        "choice",
        "Which sides meet without a seam: left and right (x), top and bottom (y), or both.",
        choices=("none", "x", "y", "both"),
    )
    tv: float = option(0.5, "number", "Weight of the total variation.", low=0, high=WEIGHT_MOST)
    color: str = option(
        "style",
        "choice",
        "Colors of the style, of the photo (luminance), the style recolored first (match), or the "
        "photo's brought to the style's (guided).",
        choices=("style", "luminance", "match", "guided"),
    )
    color_strength: float = option(
        1.0, "number", "How much of the color treatment counts.", low=0, high=1
    )
    averaging: float = option(
        0.5,
        "number",
        "Exponential average of Adam's iterates; 0 for none.",
        low=0,
        high=0.999,
    )
    reproducible: bool = option(False, "flag", "A private pass on CUDA.")
    max_seconds: float = option(
        0.0,
        "number",
        "A deadline; the best canvas so far is the answer. 0 for none.",
        low=0,
        high=86400,
        zero="no deadline",
    )
    format: str = option(
        "png",
        "choice",
        "The picture's file format; png16 and tiff16 keep 16 bits a channel.",
        choices=("png", "png16", "jpeg", "webp", "tiff", "tiff16"),
    )
    quality: int = option(92, "integer", "Quality of JPEG and WebP.", low=1, high=100)
    preview_every: float = option(
        1.0, "number", "Seconds between previews.", low=0.25, high=3600, zero="none"
    )

    def as_json(self) -> dict[str, Any]:
        """The options as plain JSON values, fit for a record or an answer."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @property
    def style_scales(self) -> tuple[float, ...]:
        """The style scales as a tuple: of one element where one serves all styles."""
        return self.style_scale if isinstance(self.style_scale, tuple) else (self.style_scale,)


SPECS: Final[Mapping[str, Spec]] = {each.name: each.metadata["spec"] for each in fields(Options)}


def describe_options() -> list[dict[str, Any]]:
    """Name, kind, default, bounds and help of every option, as plain JSON values."""
    defaults = Options().as_json()
    return [
        {
            "name": name,
            "kind": spec.kind,
            "default": defaults[name],
            "allowed": spec.allowed(),
            "low": spec.low,
            "high": spec.high,
            "choices": list(spec.choices),
            "zero": spec.zero,
            "help": spec.help,
        }
        for name, spec in SPECS.items()
    ]
