"""Every option of a painting: its name, default, bounds and one line of help, once.

The validator, the description that the service gives of itself, the command line's
flags, the SDK's signature and the table of docs/options.md are made from it or tested against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from painter.network.layers import LAYER_NAMES
from painter.options.presets import PRESETS, weights_by_block

SHORTEST_SIDE: Final = 32
WEIGHT_MOST: Final = 1e6
STYLES_MOST: Final = 8


Layers = Mapping[str, float]
Losses = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Spec:
    """What a value of one option may be; `kind` decides how it is read."""

    kind: str
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    zero: str = ""

    def allowed(self) -> str:
        """The bound in words, as errors and the documentation tell it."""
        if self.kind == "losses":
            return "names of " + ", ".join(self.choices) + ", or several with weights"
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.kind == "layers":
            return f"names of {LAYER_NAMES[0]} … {LAYER_NAMES[-1]} with weights, or all"
        if self.kind == "flag":
            return "true or false"
        many = ", one number or one for each style" if self.kind == "scales" else ""
        zero = f"0 ({self.zero}) or " if self.zero and self.low else ""
        whole = "a whole number " if self.kind == "integer" else ""
        return f"{zero}{whole}from {_plain(self.low)} to {_plain(self.high)}{many}"


def _plain(bound: float | None) -> str:
    return f"{bound:,.0f}" if bound is not None and bound == int(bound) else f"{bound:g}"


def _option(default: Any, kind: str, help: str, **bounds: Any) -> Any:
    metadata = {"spec": Spec(kind, help, **bounds)}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of one painting, all of them valid; made by `reading.read_options`."""

    preset: str = _option(
        "bruno",
        "choice",
        "A named set of the options below; options given beside it win.",
        choices=tuple(PRESETS),
    )
    alpha: float = _option(1.0, "number", "Weight of the content loss.", low=0, high=WEIGHT_MOST)
    beta: float = _option(20.0, "number", "Weight of the style loss.", low=0, high=WEIGHT_MOST)
    content_layers: Layers = _option(
        weights_by_block(0.2, 0.2, 0.2, 0.2, 0.2), "layers", "Where the content is compared."
    )
    style_layers: Layers = _option(
        weights_by_block(0.5, 0.25, 0.125, 0.0625, 0.03125),
        "layers",
        "Where the style is compared.",
    )
    size: int = _option(512, "integer", "The painting's longest side in pixels.", low=64, high=8192)
    steps: int = _option(
        80,
        "integer",
        "Evaluations of loss and gradient over all levels; 0 lets a plateau decide.",
        low=0,
        high=5000,
        zero="a plateau decides",
    )
    levels: int = _option(
        0,
        "integer",
        "Levels of the coarse-to-fine pyramid; 0 chooses, 1 turns it off.",
        low=0,
        high=8,
        zero="chosen from the size",
    )
    optimizer: str = _option(
        "adam", "choice", "How the canvas descends.", choices=("adam", "lbfgs")
    )
    canvas_space: str = _option(
        "pixels",
        "choice",
        "What the optimizer moves: pixels, or the coefficients of a Laplacian pyramid.",
        choices=("pixels", "pyramid"),
    )
    learning_rate: float = _option(
        0.05, "number", "Adam's step, in units of the color range.", low=1e-4, high=1.0
    )
    init: str = _option(
        "content",
        "choice",
        "What the canvas starts from.",
        choices=("content", "noise", "style", "image"),
    )
    init_noise: float = _option(
        0.0, "number", "Share of noise mixed into the start.", low=0, high=1
    )
    seed: int = _option(0, "integer", "Seed of all that is random.", low=0, high=2**32 - 1)
    content_loss: Losses = _option(
        {"l2": 1.0},
        "losses",
        "How the photo is compared; losses are mixed by weights.",
        choices=("l2", "self_similarity"),
    )
    style_loss: Losses = _option(
        {"gram": 1.0},
        "losses",
        "How two styles are compared; losses are mixed by weights.",
        choices=("gram", "wasserstein", "sliced", "neighbors", "relaxed_transport"),
    )
    style_scale: float | tuple[float, ...] = _option(
        1.0,
        "scales",
        "The style's longest side as a multiple of the canvas's.",
        low=0.1,
        high=4,
    )
    pooling: str = _option("max", "choice", "How VGG-19 pools.", choices=("max", "average"))
    seamless: str = _option(
        "none",
        "choice",
        "Which sides meet without a seam: left and right (x), top and bottom (y), or both.",
        choices=("none", "x", "y", "both"),
    )
    tv: float = _option(0.5, "number", "Weight of the total variation.", low=0, high=WEIGHT_MOST)
    color: str = _option(
        "style",
        "choice",
        "Colors of the style, of the photo (luminance), the style recolored first (match), or the "
        "photo's brought to the style's (guided).",
        choices=("style", "luminance", "match", "guided"),
    )
    color_strength: float = _option(
        1.0, "number", "How much of the color treatment counts.", low=0, high=1
    )
    averaging: float = _option(
        0.5,
        "number",
        "Exponential average of Adam's iterates; 0 for none.",
        low=0,
        high=0.999,
    )
    reproducible: bool = _option(False, "flag", "A private pass on CUDA.")
    max_seconds: float = _option(
        0.0,
        "number",
        "A deadline; the best canvas so far is the answer. 0 for none.",
        low=0,
        high=86400,
        zero="no deadline",
    )
    format: str = _option(
        "png",
        "choice",
        "The picture's file format; png16 and tiff16 keep 16 bits a channel.",
        choices=("png", "png16", "jpeg", "webp", "tiff", "tiff16"),
    )
    quality: int = _option(92, "integer", "Quality of JPEG and WebP.", low=1, high=100)
    preview_every: float = _option(
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


SPECS: Final[Mapping[str, Spec]] = {
    option.name: option.metadata["spec"] for option in fields(Options)
}


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
