"""Which control an option gets, from the one table of the options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args, get_origin

from bruno.errors import InvalidInputError
from bruno.options import OPTIONS, REQUEST, TYPES
from bruno.studio.stops import stops
from bruno.studio.words import PAINTERS

Kind = Literal["choice", "flag", "dial", "text"]

MAIN: Final = tuple(PAINTERS)
"""The options in sight; the others are in the fold below them."""

SCALES: Final = "style_scales"
WEIGHTS: Final = "style_weights"

# Beyond this stops are too far apart to be of use.
_HIGHEST_WITH_STOPS: Final = 1e8


@dataclass(frozen=True)
class Control:
    """How an option is shown: its kind, words and, for numbers, bounds and stops.

    There are no stops where the range is too wide for them, as for a seed.
    """

    name: str
    kind: Kind
    help: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    stops: tuple[float, ...] = ()

    @property
    def label(self) -> str:
        """A painter's word for it on the first screen, the option's name elsewhere."""
        words = PAINTERS.get(self.name)
        return words.label if words else self.name.replace("_", " ")

    @property
    def hint(self) -> str:
        """A line below it."""
        words = PAINTERS.get(self.name)
        return words.hint if words else self.help

    @property
    def tooltip(self) -> str:
        """The option's own name and help."""
        return f"{self.name}: {self.help}"

    @property
    def turned(self) -> tuple[float, ...]:
        """The stops of its slider: on the first screen those of use."""
        words = PAINTERS.get(self.name)
        if not words:
            return self.stops
        return tuple(stop for stop in self.stops if words.low <= stop <= words.high)

    @property
    def labeled(self) -> list[tuple[str, str]]:
        """Label and value of every choice, the usual first."""
        words = PAINTERS.get(self.name)
        if not words:
            return [(choice, choice) for choice in self.choices]
        order = [*words.choices, *(one for one in self.choices if one not in words.choices)]
        return [(words.choices.get(choice, choice), choice) for choice in order]


def control_for(name: str) -> Control:
    """The control of one option of the table."""
    option, types = OPTIONS[name], TYPES[name]
    if get_origin(types[0]) is Literal:
        return Control(name, "choice", option.help, choices=get_args(types[0]))
    if bool in types:
        return Control(name, "flag", option.help)
    if option.low is None or option.high is None:
        return Control(name, "text", option.sentence())
    low, high, whole = float(option.low), float(option.high), int in types
    marks = stops(low, high, whole) if high <= _HIGHEST_WITH_STOPS else ()
    if option.or_zero:
        low, marks = 0.0, (0.0, *marks)
    return Control(name, "dial", option.help, low=low, high=high, whole=whole, stops=marks)


CONTROLS: Final[Mapping[str, Control]] = {name: control_for(name) for name in OPTIONS}
"""The control of every option, in the table's order."""


def others() -> list[Control]:
    """The controls of the fold: dials first, then what is wider."""
    order: tuple[Kind, ...] = ("dial", "choice", "flag", "text")
    rest = [control for name, control in CONTROLS.items() if name not in MAIN]
    return sorted(rest, key=lambda control: order.index(control.kind))


def defaults_of(description: Mapping[str, Any], preset: str | None = None) -> dict[str, Any]:
    """What every control shows under a preset, as the server described itself."""
    values = {option["name"]: option["default"] for option in description["options"]}
    chosen = preset or values.get("preset")
    return shown_values(values | description["presets"].get(chosen, {}) | {"preset": chosen})


def shown_values(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as the controls show them; those that the table does not have are left out."""
    values = {name: _shown(options[name]) for name in OPTIONS if name in options}
    scales = options.get("style_scale")
    if isinstance(scales, list | tuple):
        values |= {"style_scale": scales[0], SCALES: _shown(scales)}
    return values


def request_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the controls show, as a request carries it; what is empty is the server's to decide.

    Raises InvalidInputError that names the field where a list of numbers cannot be read.
    """
    options = {name: value for name, value in values.items() if value not in (None, "")}
    for name in (WEIGHTS, SCALES):
        if name in options:
            options[name] = _numbers(name, str(options[name]))
    if SCALES in options:
        options["style_scale"] = options.pop(SCALES)
    return options


def help_of(name: str) -> str:
    """One line of help for a picture or list that a request may carry."""
    return REQUEST[name].help


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return ", ".join(f"{layer}:{weight:g}" for layer, weight in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(one if isinstance(one, str) else f"{one:g}" for one in value)
    return value


def _numbers(name: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InvalidInputError(
            f"{name} must be numbers with commas between them, got {text!r}"
        ) from None
