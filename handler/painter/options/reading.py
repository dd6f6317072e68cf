"""Text or JSON values become valid options; what may not be is refused by name, bound and value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from painter.errors import OutOfRange
from painter.network.layers import CONVOLUTION_NAMES, LAYER_NAMES
from painter.options.catalog import PRESETS, SPECS, STYLES_MOST, Options, Spec
from painter.options.wording import meant, short

WEIGHT_MOST: Final = 1e6

_DECIMAL: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


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


def check_style_weights(weights: Sequence[float], styles: int) -> tuple[float, ...]:
    """The weights as they are; raises OutOfRange unless each style has one, and not all are 0."""
    name, code = "style_weights", "option_out_of_range"
    if len(weights) != styles:
        detail = f"{name} must hold {styles} weights, one for each style, got {len(weights)}"
        raise OutOfRange(code, detail, name)
    for weight in weights:
        if not 0 <= weight <= WEIGHT_MOST:
            detail = f"{name} must be from 0 to {WEIGHT_MOST:g}, got {short(weight)}"
            raise OutOfRange(code, detail, name)
    if not any(weights):
        raise OutOfRange(code, f"{name} must not all be 0, got {short(list(weights))}", name)
    return tuple(float(weight) for weight in weights)


def _unknown(name: str) -> OutOfRange:
    hint = meant(name, SPECS)
    return OutOfRange("unknown_option", f"there is no option {short(name)}{hint}", short(name))


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
    return OutOfRange(code, f"{name} must be {spec.allowed()}, got {short(value)}", name)


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
            f"{name}: the weights must not sum to 0, got {short(value)}",
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
                f"{name} must name each layer once, got {short(layer)} twice",
                name,
            )
        seen.add(layer)
    return layers


def _layer_weight(name: str, layer: Any, weight: Any) -> float:
    if layer not in LAYER_NAMES:
        raise OutOfRange(
            "unknown_layer",
            f"{name} must name layers from conv1_1 to conv5_4 or relu1_1 to relu5_4, "
            f"got {short(layer)}{meant(str(layer), LAYER_NAMES)}",
            name,
        )
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 1e6:
        raise OutOfRange(
            "option_out_of_range",
            f"{name}: the weight of {layer} must be from 0 to 1,000,000, got {short(weight)}",
            name,
        )
    return float(weight)
