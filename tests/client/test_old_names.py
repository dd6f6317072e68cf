"""The errors' names of version 0.1 work for one more version, and warn."""

from __future__ import annotations

from importlib import import_module

import pytest

import bruno
from bruno import errors

MODULES = ("bruno", "bruno.errors")


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("name", errors.OLD_NAMES)
def test_an_old_name_is_the_same_class_and_warns(module: str, name: str) -> None:
    new = errors.OLD_NAMES[name]
    told = f"bruno.{name} is called bruno.{new.__name__} since version 0.2"
    with pytest.warns(DeprecationWarning, match=told) as caught:
        assert getattr(import_module(module), name) is new
    assert caught[0].filename == __file__
    assert name not in bruno.__all__


def test_every_error_has_a_name_of_the_field() -> None:
    for name in errors.OLD_NAMES.values():
        assert name.__name__.endswith("Error")
        assert name.__name__ in bruno.__all__
        assert f"{name.__name__} " in (errors.__doc__ or "")


@pytest.mark.parametrize("module", MODULES)
def test_other_names_are_not_there(module: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'Nothing'"):
        getattr(import_module(module), "Nothing")  # noqa: B009
