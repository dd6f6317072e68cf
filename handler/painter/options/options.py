"""Every option of a painting: its name, default, bounds and one line of help, once.

The validator below, the description that the service gives of itself, the command line's
flags, the SDK's signature and the README's table are made from it or tested against it.
"""

from __future__ import annotations

import difflib
import json
import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from painter.errors import OutOfRange
from painter.network.layers import CONVOLUTION_NAMES, LAYER_NAMES

SHORTEST_SIDE: Final = 32
STYLES_MOST: Final = 8

_DECIMAL: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)

Layers = Mapping[str, float]


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


_EVERY_BLOCK: Final = tuple(f"conv{block}_1" for block in range(1, 6))


def _weights(*weights: float) -> dict[str, float]:
    return dict(zip(_EVERY_BLOCK, weights, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of one painting, all of them valid; made by `read_options`."""

    preset: str = _option(
        "bruno",
        "choice",
        "A named set of the options below; options given beside it win.",
        choices=("bruno", "gatys", "draft", "fine"),
    )
    alpha: float = _option(1.0, "number", "Weight of the content loss.", low=0, high=1e6)
    beta: float = _option(20.0, "number", "Weight of the style loss.", low=0, high=1e6)
    content_layers: Layers = _option(
        _weights(0.2, 0.2, 0.2, 0.2, 0.2), "layers", "Where the content is compared."
    )
    style_layers: Layers = _option(
        _weights(0.5, 0.25, 0.125, 0.0625, 0.03125), "layers", "Where the style is compared."
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
    style_loss: str = _option(
        "gram",
        "choice",
        "How two styles are compared: Gram matrices, or Gaussian Wasserstein-2.",
        choices=("gram", "wasserstein"),
    )
    style_scale: float | tuple[float, ...] = _option(
        1.0,
        "scales",
        "The style's longest side as a multiple of the canvas's.",
        low=0.1,
        high=4,
    )
    pooling: str = _option("max", "choice", "How VGG-19 pools.", choices=("max", "average"))
    tv: float = _option(0.5, "number", "Weight of the total variation.", low=0, high=1e6)
    color: str = _option(
        "style",
        "choice",
        "Colors of the style, of the photo (luminance), or the style recolored first (match).",
        choices=("style", "luminance", "match"),
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

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "bruno": {},
    "gatys": {
        "content_layers": {"conv4_2": 1.0},
        "style_layers": _weights(0.2, 0.2, 0.2, 0.2, 0.2),
        "levels": 1,
        "optimizer": "lbfgs",
        "steps": 300,
        "averaging": 0.0,
        "tv": 0.0,
    },
    "draft": {"size": 256, "steps": 40},
    "fine": {"size": 1024, "steps": 160},
}


def read_options(given: Mapping[str, Any]) -> Options:
    """Makes valid options of text or JSON values; unnamed ones come from the preset.

    Raises OutOfRange for an unknown name or a value that an option may not have.
    """
    for name in given:
        if name not in SPECS:
            raise _unknown(name)
    values = {name: _read(name, value) for name, value in given.items()}
    options = Options(**{**PRESETS[values.get("preset", "bruno")], **values})
    if options.alpha == 0 and options.beta == 0:
        raise OutOfRange(
            "option_out_of_range", "alpha and beta must not both be 0, got 0 and 0", "alpha"
        )
    return options


def check_style_scales(options: Options, styles: int) -> None:
    """Raises OutOfRange unless there is one style scale for all or one for each style."""
    count = len(options.style_scales)
    if count not in (1, styles):
        raise OutOfRange(
            "option_out_of_range",
            f"style_scale must be one number or {styles}, one for each style, got {count}",
            "style_scale",
        )


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


def _unknown(name: str) -> OutOfRange:
    near = difflib.get_close_matches(name, SPECS, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return OutOfRange("unknown_option", f"there is no option {_short(name)}{hint}", _short(name))


def _read(name: str, value: Any) -> Any:
    spec = SPECS[name]
    if isinstance(value, str) and spec.kind != "choice":
        value = _from_text(value)
    if spec.kind == "choice":
        return _choice(name, spec, value)
    if spec.kind == "flag":
        return _flag(name, spec, value)
    if spec.kind == "layers":
        return _layers(name, spec, value)
    if spec.kind == "scales":
        return _scales(name, spec, value)
    return _number(name, spec, value)


def _from_text(text: str) -> Any:
    """A JSON value, or a number as people write it, `.5` or `2.`, which JSON does not know."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return float(text) if _DECIMAL.fullmatch(text.strip()) else text.strip()


def _refuse(name: str, spec: Spec, value: Any, code: str = "option_out_of_range") -> OutOfRange:
    return OutOfRange(code, f"{name} must be {spec.allowed()}, got {_short(value)}", name)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else reprlib.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _choice(name: str, spec: Spec, value: Any) -> str:
    if not isinstance(value, str) or value.strip() not in spec.choices:
        raise _refuse(name, spec, value)
    return value.strip()


def _flag(name: str, spec: Spec, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _refuse(name, spec, value, "option_wrong_type")


def _number(name: str, spec: Spec, value: Any) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refuse(name, spec, value, "option_wrong_type")
    if spec.kind == "integer" and isinstance(value, float) and not value.is_integer():
        raise _refuse(name, spec, value, "option_wrong_type")
    if value == 0 and spec.zero:
        return int(value) if spec.kind == "integer" else float(value)
    assert spec.low is not None
    assert spec.high is not None
    if not spec.low <= value <= spec.high:
        raise _refuse(name, spec, value)
    return int(value) if spec.kind == "integer" else float(value)


def _scales(name: str, spec: Spec, value: Any) -> float | tuple[float, ...]:
    if not isinstance(value, list | tuple):
        return float(_number(name, spec, value))
    if not 1 <= len(value) <= STYLES_MOST:
        raise _refuse(name, spec, value)
    return tuple(float(_number(name, spec, one)) for one in value)


def _layers(name: str, spec: Spec, value: Any) -> dict[str, float]:
    if isinstance(value, str):
        value = _split_layers(name, spec, value)
    if isinstance(value, Sequence):
        if not value or not all(isinstance(one, str) for one in value):
            raise _refuse(name, spec, value, "option_wrong_type")
        value = {layer: 1 / len(value) for layer in _each_once(name, value)}
    if not isinstance(value, Mapping) or not value:
        raise _refuse(name, spec, value, "option_wrong_type")
    weights = {layer: _layer_weight(name, layer, weight) for layer, weight in value.items()}
    if sum(weights.values()) == 0:
        raise OutOfRange(
            "option_out_of_range",
            f"{name}: the weights must not sum to 0, got {_short(value)}",
            name,
        )
    return weights


def _split_layers(name: str, spec: Spec, text: str) -> Any:
    """`all`, `conv1_1,conv2_1` or `conv1_1:16,conv2_1:8`, as a person types it."""
    if text == "all":
        return list(CONVOLUTION_NAMES)
    parts = [part.strip() for part in text.split(",")]
    if not any(":" in part for part in parts):
        return parts
    pairs = [part.rpartition(":") for part in parts]
    if not all(colon for _, colon, _ in pairs):
        raise _refuse(name, spec, text)
    layers = _each_once(name, [layer.strip() for layer, _, _ in pairs])
    return {layer: _from_text(weight) for layer, (_, _, weight) in zip(layers, pairs, strict=True)}


def _each_once(name: str, layers: Sequence[str]) -> Sequence[str]:
    seen: set[str] = set()
    for layer in layers:
        if layer in seen:
            raise OutOfRange(
                "option_out_of_range",
                f"{name} must name each layer once, got {_short(layer)} twice",
                name,
            )
        seen.add(layer)
    return layers


def _layer_weight(name: str, layer: Any, weight: Any) -> float:
    if layer not in LAYER_NAMES:
        near = difflib.get_close_matches(str(layer), LAYER_NAMES, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise OutOfRange(
            "unknown_layer",
            f"{name} must name layers from conv1_1 to conv5_4 or relu1_1 to relu5_4, "
            f"got {_short(layer)}{hint}",
            name,
        )
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 1e6:
        raise OutOfRange(
            "option_out_of_range",
            f"{name}: the weight of {layer} must be from 0 to 1,000,000, got {_short(weight)}",
            name,
        )
    return float(weight)
