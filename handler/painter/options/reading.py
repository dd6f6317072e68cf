"""Text or JSON values become valid options; what may not be is refused by name, bound and value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from painter.errors import OutOfRange
from painter.options.catalog import SPECS, STYLES_MOST, WEIGHT_MOST, Options
from painter.options.presets import PRESETS
from painter.options.request import Resume
from painter.options.spec import Spec
from painter.options.weights import read_weights
from painter.options.wording import meant, short

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


def check_resume(resume: Resume, levels: int | None = None) -> Resume:
    """Where to go on; raises OutOfRange for a level from 1 that there is not, or a step below 0."""
    code, name = "option_out_of_range", "resume"
    if not 1 <= resume.level <= (levels or resume.level):
        bounds = "at least 1" if levels is None else f"from 1 to {levels}"
        raise OutOfRange(code, f"resume: level must be {bounds}, got {resume.level}", name)
    if resume.step < 0:
        raise OutOfRange(code, f"resume: step must be at least 0, got {resume.step}", name)
    return resume


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
    if spec.kind in ("layers", "losses"):
        return read_weights(name, spec, value, _from_text)
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
