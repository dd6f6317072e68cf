"""Layers and losses by their names, each with a weight: as JSON, or as a person types them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from painter.errors import OutOfRange
from painter.network.layers import CONVOLUTION_NAMES, LAYER_NAMES
from painter.options.catalog import WEIGHT_MOST
from painter.options.spec import Spec
from painter.options.wording import meant, short


def read_weights(
    name: str, spec: Spec, value: Any, from_text: Callable[[str], Any]
) -> dict[str, float]:
    """The weights of an option of the kind `layers` or `losses`, which do not sum to 0.

    `from_text` reads a number. Names without weights share 1. Raises OutOfRange.
    """
    if isinstance(value, str):
        value = _split(name, spec, value, from_text)
    if isinstance(value, Sequence):
        if not value or not all(isinstance(one, str) for one in value):
            raise _refuse(name, spec, value)
        value = {one: 1 / len(value) for one in _each_once(name, spec, value)}
    if not isinstance(value, Mapping) or not value:
        raise _refuse(name, spec, value)
    weights = {one: _weight(name, spec, one, weight) for one, weight in value.items()}
    if sum(weights.values()) == 0:
        raise OutOfRange(
            "option_out_of_range",
            f"{name}: the weights must not sum to 0, got {short(value)}",
            name,
        )
    return weights


def _split(name: str, spec: Spec, text: str, from_text: Callable[[str], Any]) -> Any:
    """`all`, `conv1_1,conv2_1` or `conv1_1:16,conv2_1:8`, as a person types it."""
    if text == "all" and spec.kind == "layers":
        return list(CONVOLUTION_NAMES)
    parts = [part.strip() for part in text.split(",")]
    if not any(":" in part for part in parts):
        return parts
    pairs = [part.rpartition(":") for part in parts]
    if not all(colon for _, colon, _ in pairs):
        raise _refuse(name, spec, text, "option_out_of_range")
    names = _each_once(name, spec, [one.strip() for one, _, _ in pairs])
    return {one: from_text(weight) for one, (_, _, weight) in zip(names, pairs, strict=True)}


def _each_once(name: str, spec: Spec, names: Sequence[str]) -> Sequence[str]:
    seen: set[str] = set()
    for one in names:
        if one in seen:
            what = "layer" if spec.kind == "layers" else "loss"
            raise OutOfRange(
                "option_out_of_range",
                f"{name} must name each {what} once, got {short(one)} twice",
                name,
            )
        seen.add(one)
    return names


def _weight(name: str, spec: Spec, one: Any, weight: Any) -> float:
    if spec.kind == "layers" and one not in LAYER_NAMES:
        raise OutOfRange(
            "unknown_layer",
            f"{name} must name layers from conv1_1 to conv5_4 or relu1_1 to relu5_4, "
            f"got {short(one)}{meant(str(one), LAYER_NAMES)}",
            name,
        )
    if spec.kind == "losses" and one not in spec.choices:
        raise OutOfRange(
            "option_out_of_range",
            f"{name} must be {spec.allowed()}, got {short(one)}{meant(str(one), spec.choices)}",
            name,
        )
    is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if not is_number or not 0 <= weight <= WEIGHT_MOST:
        raise OutOfRange(
            "option_out_of_range",
            f"{name}: the weight of {one} must be from 0 to {WEIGHT_MOST:,.0f}, "
            f"got {short(weight)}",
            name,
        )
    return float(weight)


def _refuse(name: str, spec: Spec, value: Any, code: str = "option_wrong_type") -> OutOfRange:
    return OutOfRange(code, f"{name} must be {spec.allowed()}, got {short(value)}", name)
