"""The client's table, signatures and documentation of the options against the engine's."""

from __future__ import annotations

import inspect
from typing import Any, Literal, get_args, get_origin

import pytest

from bruno import OPTIONS, AsyncBruno, AsyncLive, Bruno, Live
from bruno.options import REQUEST, TYPES
from painter.options.catalog import SPECS
from painter.options.spec import Spec

KINDS = {"number": (float,), "integer": (int,), "flag": (bool,)}
CLIENTS = (Bruno, AsyncBruno)
VERBS = [
    *(getattr(client, verb) for client in CLIENTS for verb in ("paint", "stream", "live", "batch")),
    Live.change,
    AsyncLive.change,
]


def test_names_are_the_engines() -> None:
    assert list(OPTIONS) == list(SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_help_and_bounds_are_the_engines(name: str) -> None:
    assert OPTIONS[name].help == SPECS[name].help
    assert OPTIONS[name].allowed == SPECS[name].allowed()
    assert (OPTIONS[name].low, OPTIONS[name].high) == (SPECS[name].low, SPECS[name].high)
    assert OPTIONS[name].or_zero == bool(SPECS[name].zero and SPECS[name].low)


@pytest.mark.parametrize(("name", "spec"), SPECS.items())
def test_types_are_the_engines(name: str, spec: Spec) -> None:
    types = TYPES[name]
    if spec.kind == "choice":
        assert get_origin(types[0]) is Literal
        assert get_args(types[0]) == spec.choices
    elif spec.kind in ("layers", "losses"):
        assert str in types
        assert len(types) == 3
    elif spec.kind == "scales":
        assert types[0] is float
        assert len(types) == 2
    else:
        assert types == KINDS[spec.kind]


@pytest.mark.parametrize("verb", VERBS)
def test_signatures_spell_every_option_out(verb: Any) -> None:
    parameters = inspect.signature(verb).parameters
    keywords = {
        name: one for name, one in parameters.items() if one.kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert set(REQUEST) <= set(keywords)
    assert all(keywords[name].default is None for name in REQUEST)
    assert not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())


@pytest.mark.parametrize("verb", VERBS)
def test_docstrings_tell_every_option(verb: Any) -> None:
    for name, option in REQUEST.items():
        assert f"    {name}: {option.help}" in verb.__doc__
