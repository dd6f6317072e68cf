"""The controls come from the one table of options, and give requests back."""

from __future__ import annotations

import pytest

from bruno import OPTIONS, InvalidInputError
from bruno.studio.controls import (
    CONTROLS,
    MAIN,
    SCALES,
    WEIGHTS,
    defaults_of,
    others,
    request_options,
    shown_values,
)
from bruno.studio.stops import stops
from painter.options.catalog import SPECS, describe_options
from painter.options.presets import PRESETS
from painter.options.reading import read_options

DESCRIPTION = {"options": describe_options(), "presets": PRESETS}


def test_every_option_has_one_control() -> None:
    names = [*MAIN, *(control.name for control in others())]
    assert sorted(names) == sorted(OPTIONS)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", [name for name in SPECS if CONTROLS[name].kind == "dial"])
def test_dials_have_the_servers_bounds(name: str) -> None:
    control, spec = CONTROLS[name], SPECS[name]
    assert spec.low is not None
    low = 0 if spec.zero else spec.low
    # The table's words round the seed's bound.
    assert (control.low, control.high) == (low, pytest.approx(spec.high, rel=1e-5))
    assert control.whole == (spec.kind == "integer")


@pytest.mark.parametrize("name", [name for name in SPECS if CONTROLS[name].stops])
def test_every_stop_is_allowed_and_both_ends_are_reached(name: str) -> None:
    control, spec = CONTROLS[name], SPECS[name]
    assert list(control.stops) == sorted(set(control.stops))
    assert control.stops[-1] == spec.high
    for stop in (control.stops[0], control.stops[1], control.stops[-1]):
        read_options({name: stop})
    if control.whole:
        assert all(stop == int(stop) for stop in control.stops)


def test_choices_and_flags() -> None:
    assert CONTROLS["color"].choices == SPECS["color"].choices
    assert CONTROLS["reproducible"].kind == "flag"
    assert CONTROLS["style_layers"].kind == "text"


@pytest.mark.parametrize(
    ("bounds", "inside"),
    [
        ((64, 8192, True), [64, 128, 512, 768, 1024]),
        ((0, 1e6, False), [0, 0.01, 1, 20, 1e6]),
        ((0.1, 4, False), [0.1, 0.5, 1, 4]),
        ((1e-4, 1, False), [1e-4, 0.04, 1]),
    ],
)
def test_stops_are_round(bounds: tuple[float, float, bool], inside: list[float]) -> None:
    marks = stops(*bounds)
    assert set(inside) <= set(marks)
    assert len(marks) <= 102


@pytest.mark.parametrize("preset", PRESETS)
def test_what_a_preset_shows_is_what_the_server_would_use(preset: str) -> None:
    shown = defaults_of(DESCRIPTION, preset)
    assert read_options(request_options(shown)) == read_options({"preset": preset})


def test_settings_of_a_record_come_back_as_they_were() -> None:
    options = read_options({"style_scale": [0.5, 2], "style_layers": "conv1_1:2,conv3_1:1"})
    shown = shown_values(options.as_json())
    assert shown[SCALES] == "0.5, 2"
    assert shown["style_layers"] == "conv1_1:2, conv3_1:1"
    assert read_options(request_options(shown)) == options


def test_what_is_empty_is_left_to_the_server() -> None:
    assert request_options({"alpha": None, SCALES: "", "seed": 0}) == {"seed": 0}


def test_lists_of_numbers() -> None:
    assert request_options({WEIGHTS: "1, 2.5"}) == {WEIGHTS: [1.0, 2.5]}
    with pytest.raises(InvalidInputError, match="style_weights must be numbers .* got '1; 2'"):
        request_options({WEIGHTS: "1; 2"})
