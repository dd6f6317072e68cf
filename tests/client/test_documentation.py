"""Every public name is documented, and every example in the documentation runs."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import bruno
from bruno import (
    AsyncBatch,
    AsyncBruno,
    AsyncLive,
    AsyncStream,
    Batch,
    Bruno,
    Live,
    Painting,
    Stream,
)

KINDS = (AsyncBatch, AsyncBruno, AsyncLive, AsyncStream, Batch, Bruno, Live, Painting, Stream)
MODULES = [
    f"bruno.{module.name}"
    for folder in ("", "aio.", "styles.")
    for module in pkgutil.iter_modules([f"{bruno.__path__[0]}/{folder[:-1]}"], folder)
]


@pytest.mark.parametrize("name", ["bruno", *(name for name in MODULES if name != "bruno.__main__")])
def test_examples_run(name: str, scripted: object, folder: object) -> None:
    outcome = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert outcome.failed == 0


@pytest.mark.parametrize("name", sorted(set(bruno.__all__) - {"__version__", "OPTIONS"}))
def test_public_names_are_documented(name: str) -> None:
    thing = getattr(bruno, name)
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert inspect.getdoc(thing)
        assert thing.__module__.startswith("bruno.")


@pytest.mark.parametrize("kind", KINDS)
def test_public_verbs_have_an_example(kind: type) -> None:
    assert ">>>" in (kind.__doc__ or "")
    for name, verb in (vars(kind) if kind in (AsyncBruno, Bruno) else {}).items():
        if inspect.isfunction(verb) and not name.startswith("_"):
            assert ">>>" in (verb.__doc__ or ""), name


def test_all_names_what_there_is() -> None:
    assert len(bruno.__all__) == len(set(bruno.__all__))
    assert all(hasattr(bruno, name) for name in bruno.__all__)
