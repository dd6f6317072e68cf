"""Options: what may be asked for, in which forms, and how the rest is refused."""

from __future__ import annotations

import json

import pytest

from painter.errors import OutOfRange
from painter.network.layers import CONVOLUTION_NAMES, LAYER_NAMES
from painter.options.catalog import SPECS, Options, describe_options
from painter.options.presets import PRESETS
from painter.options.reading import check_style_scales, read_options

NUMBERS = {name: spec for name, spec in SPECS.items() if spec.kind in ("number", "integer")}
BOUNDED = {**NUMBERS, "style_scale": SPECS["style_scale"]}
CHOICES = {name: spec for name, spec in SPECS.items() if spec.kind == "choice"}
LAYERS = ("content_layers", "style_layers")
LOSSES = ("content_loss", "style_loss")


def _refused(**given):
    with pytest.raises(OutOfRange) as caught:
        read_options(given)
    return caught.value


def test_nothing_given_is_the_default():
    assert read_options({}) == Options() == read_options({"preset": "bruno"})


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_sets_its_options_and_what_is_given_wins(preset):
    options = read_options({"preset": preset})
    for name, value in PRESETS[preset].items():
        assert getattr(options, name) == value
    assert options.preset == preset
    assert read_options({"preset": preset, "steps": 7}).steps == 7


def test_presets_are_what_the_documentation_names():
    assert tuple(PRESETS) == SPECS["preset"].choices
    assert len({json.dumps(read_options({"preset": p}).as_json()) for p in PRESETS}) == len(PRESETS)
    gatys = read_options({"preset": "gatys"})
    assert list(gatys.content_layers) == ["conv4_2"]
    assert (gatys.optimizer, gatys.levels) == ("lbfgs", 1)


@pytest.mark.parametrize("side", ["low", "high"])
@pytest.mark.parametrize("name", BOUNDED)
def test_bounds_themselves_are_allowed(name, side):
    bound = getattr(BOUNDED[name], side)
    assert getattr(read_options({name: bound}), name) == bound


@pytest.mark.parametrize("text", [False, True], ids=["json", "text"])
@pytest.mark.parametrize("side", ["low", "high"])
@pytest.mark.parametrize("name", BOUNDED)
def test_just_outside_is_refused_by_field_bound_and_value(name, side, text):
    spec = BOUNDED[name]
    step = 1 if spec.kind == "integer" else max(abs(getattr(spec, side)) * 1e-3, 1e-5)
    value = getattr(spec, side) + (step if side == "high" else -step)
    error = _refused(**{name: str(value) if text else value})
    assert (error.code, error.field, error.status) == ("option_out_of_range", name, 422)
    assert error.detail.startswith(f"{name} must be ")
    bound = getattr(spec, side)
    assert (f"{bound:,.0f}" if bound >= 1 else f"{bound:g}") in error.detail
    assert error.detail.endswith(f", got {value}")


@pytest.mark.parametrize("name", [name for name, spec in NUMBERS.items() if spec.zero])
def test_zero_means_what_it_says_where_it_says_so(name):
    assert getattr(read_options({name: 0}), name) == 0
    assert getattr(read_options({name: "0"}), name) == 0
    assert NUMBERS[name].zero in [one["zero"] for one in describe_options()]


@pytest.mark.parametrize(
    "value", [None, True, [1], {"a": 1}, "", "many", "0x10", "1,5", float("nan"), "NaN", "null"]
)
@pytest.mark.parametrize("name", NUMBERS)
def test_what_is_no_number_is_refused(name, value):
    error = _refused(**{name: value})
    assert error.field == name
    assert error.code in ("option_wrong_type", "option_out_of_range")


@pytest.mark.parametrize("value", [10**400, -(10**400), "1" + "0" * 400, "1e999", float("inf")])
@pytest.mark.parametrize("name", BOUNDED)
def test_numbers_without_measure_are_refused(name, value):
    error = _refused(**{name: value})
    assert error.field == name
    assert len(error.detail) < 300


@pytest.mark.parametrize("value", [3.5, "3.5"])
@pytest.mark.parametrize("name", [name for name, spec in NUMBERS.items() if spec.kind == "integer"])
def test_whole_numbers_are_whole(name, value):
    assert _refused(**{name: value}).code == "option_wrong_type"


def test_a_whole_number_may_be_written_as_a_float():
    options = read_options({"steps": 30.0, "size": "1e3"})
    assert (options.steps, options.size) == (30, 1000)
    assert isinstance(options.steps, int)


@pytest.mark.parametrize(
    "value", ["conv1_1,conv1_1", "conv1_1:1, conv1_1:2", ["relu2_1", "conv1_1", "relu2_1"]]
)
def test_a_layer_is_named_once(value):
    error = _refused(style_layers=value)
    assert error.field == "style_layers"
    assert error.detail.endswith(" twice")


def test_long_values_are_refused_as_short_ones_are():
    assert _refused(alpha="1" * 200_000 + "x").field == "alpha"
    assert _refused(style_layers=[f"conv{i}" for i in range(300_000)]).code == "unknown_layer"
    assert len(_refused(style_layers=["x" * 10_000] * 2).detail) < 300


def test_decimals_may_be_written_as_people_write_them():
    layers = "conv1_1:.5,conv2_1:2."
    options = read_options({"alpha": ".5", "tv": " 2. ", "size": "+1e2", "style_layers": layers})
    assert (options.alpha, options.tv, options.size) == (0.5, 2, 100)
    assert options.style_layers == {"conv1_1": 0.5, "conv2_1": 2}


@pytest.mark.parametrize("name", CHOICES)
def test_choices(name):
    for choice in CHOICES[name].choices:
        assert getattr(read_options({name: f" {choice} "}), name) == choice
    for other in ("", "nothing", CHOICES[name].choices[0].upper(), 1, None, ["a"]):
        error = _refused(**{name: other})
        assert error.field == name
        assert ", ".join(CHOICES[name].choices) in error.detail


def test_flags():
    assert read_options({"reproducible": "true"}).reproducible is True
    assert read_options({"reproducible": False}).reproducible is False
    for other in ("yes", 1, "1", None, ""):
        assert _refused(reproducible=other).code == "option_wrong_type"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("conv1_1", {"conv1_1": 1}),
        ("conv1_1, relu5_4", {"conv1_1": 0.5, "relu5_4": 0.5}),
        ("conv1_1:16, conv2_1:8", {"conv1_1": 16, "conv2_1": 8}),
        (["conv3_1", "conv4_2"], {"conv3_1": 0.5, "conv4_2": 0.5}),
        ('["conv3_1"]', {"conv3_1": 1}),
        ({"conv3_1": 2, "relu3_1": 0}, {"conv3_1": 2, "relu3_1": 0}),
        ('{"conv3_1": 2.5}', {"conv3_1": 2.5}),
        ("all", dict.fromkeys(CONVOLUTION_NAMES, 1 / 16)),
        (" all ", dict.fromkeys(CONVOLUTION_NAMES, 1 / 16)),
        (list(LAYER_NAMES), dict.fromkeys(LAYER_NAMES, 1 / 32)),
    ],
)
@pytest.mark.parametrize("name", LAYERS)
def test_forms_of_layers(name, value, expected):
    assert getattr(read_options({name: value}), name) == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("conv1_3", "unknown_layer"),
        ("conv5_5:1", "unknown_layer"),
        ("", "unknown_layer"),
        ("conv1_1,", "unknown_layer"),
        ({"pool1": 1}, "unknown_layer"),
        ({"conv1_1": -1}, "option_out_of_range"),
        ({"conv1_1": 1e7}, "option_out_of_range"),
        ({"conv1_1": float("nan")}, "option_out_of_range"),
        ({"conv1_1": True}, "option_out_of_range"),
        ({"conv1_1": None}, "option_out_of_range"),
        ("conv1_1:much", "option_out_of_range"),
        ("conv1_1:1,conv2_1", "option_out_of_range"),
        ({"conv1_1": 0, "conv2_1": 0}, "option_out_of_range"),
        ([], "option_wrong_type"),
        ({}, "option_wrong_type"),
        ([1], "option_wrong_type"),
        ([["conv1_1"]], "option_wrong_type"),
        (3, "option_wrong_type"),
        (None, "option_wrong_type"),
        (True, "option_wrong_type"),
    ],
)
@pytest.mark.parametrize("name", LAYERS)
def test_layers_that_cannot_be(name, value, code):
    error = _refused(**{name: value})
    assert (error.code, error.field) == (code, name)
    assert error.detail.startswith(name)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" gram ", {"gram": 1}),
        ("gram, sliced", {"gram": 0.5, "sliced": 0.5}),
        ("gram:1, sliced:.5", {"gram": 1, "sliced": 0.5}),
        (["sliced"], {"sliced": 1}),
        ({"wasserstein": 2, "gram": 0}, {"wasserstein": 2, "gram": 0}),
        ('{"gram": 2.5}', {"gram": 2.5}),
    ],
)
def test_forms_of_losses(value, expected):
    assert read_options({"style_loss": value}).style_loss == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "option_out_of_range"),
        ("all", "option_out_of_range"),
        ("conv1_1", "option_out_of_range"),
        ("gram,", "option_out_of_range"),
        ("gram,gram", "option_out_of_range"),
        ("gram:1,sliced", "option_out_of_range"),
        ("gram:much", "option_out_of_range"),
        ({"gram": -1}, "option_out_of_range"),
        ({"gram": 0}, "option_out_of_range"),
        ({"gram": 1e7}, "option_out_of_range"),
        ({}, "option_wrong_type"),
        ([], "option_wrong_type"),
        (3, "option_wrong_type"),
        (None, "option_wrong_type"),
    ],
)
@pytest.mark.parametrize("name", LOSSES)
def test_losses_that_cannot_be(name, value, code):
    error = _refused(**{name: value})
    assert (error.code, error.field) == (code, name)
    assert error.detail.startswith(name)


def test_a_loss_close_to_another_is_suggested():
    detail = _refused(style_loss="grams").detail
    assert detail.startswith("style_loss must be names of gram, ")
    assert detail.endswith("got grams; did you mean gram?")


def test_a_layer_close_to_another_is_suggested():
    assert "did you mean conv4_2?" in _refused(content_layers="conv42").detail


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2, (2.0,)), ("0.5", (0.5,)), ([1, 2], (1.0, 2.0)), ("[0.1,4]", (0.1, 4))],
)
def test_style_scales_are_one_or_several(value, expected):
    assert read_options({"style_scale": value}).style_scales == expected


@pytest.mark.parametrize("value", [[], [1] * 9, [1, "a"], [1, 5], {"a": 1}, [True]])
def test_style_scales_that_cannot_be(value):
    assert _refused(style_scale=value).field == "style_scale"


@pytest.mark.parametrize(("scales", "styles"), [([1, 2], 1), ([1, 2], 3), ([1, 2, 3], 2)])
def test_there_are_as_many_style_scales_as_styles(scales, styles):
    with pytest.raises(OutOfRange, match=rf"or {styles}, .* got {len(scales)}"):
        check_style_scales(read_options({"style_scale": scales}), styles)


def test_unknown_names_are_refused_with_the_nearest():
    error = _refused(learning_rat=1)
    assert (error.code, error.field) == ("unknown_option", "learning_rat")
    assert error.detail.endswith("did you mean learning_rate?")
    assert "did you mean" not in _refused(zzz=1).detail
    assert len(_refused(**{"x" * 10**6: 1}).field) < 100


def test_a_painting_of_nothing_is_refused():
    assert _refused(alpha=0, beta=0).field == "alpha"
    assert read_options({"alpha": 0}).beta > 0


@pytest.mark.parametrize("name", [name for name in SPECS if SPECS[name].kind != "choice"])
@pytest.mark.parametrize("depth", [50, 900, 980, 100_000])
def test_deep_json_is_a_wrong_value_like_any_other(name, depth):
    error = _refused(**{name: "[" * depth + "]" * depth})
    assert error.field == name
    assert len(error.detail) < 300


@pytest.mark.parametrize("text", [False, True], ids=["json", "text"])
@pytest.mark.parametrize("preset", PRESETS)
def test_options_told_as_json_are_read_again(preset, text):
    options = read_options({"preset": preset, "style_scale": [1, 2], "seed": 7})
    told = options.as_json()
    assert json.loads(json.dumps(told)) == told
    values = {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in told.items()
    }
    assert read_options(values if text else told) == options


def test_every_option_is_described():
    described = {one["name"]: one for one in describe_options()}
    assert list(described) == list(SPECS)
    for name, one in described.items():
        assert one["help"].endswith(".")
        assert one["allowed"]
        assert read_options({name: one["default"]}) == Options()
    assert "None" not in json.dumps([one["allowed"] for one in described.values()])
