"""Visitors who come again."""

from __future__ import annotations

import pytest

from bruno import Bruno
from bruno.studio import visitors
from bruno.studio.session import Session
from bruno.studio.visitors import Visitors

from .test_session import shown_by


def test_who_comes_again_finds_the_session() -> None:
    kept, mine = Visitors(), Session()
    key, session = kept.arrive(None, mine)
    assert session is mine
    assert kept.arrive(key, Session()) == (key, mine)


@pytest.mark.parametrize("key", [None, "guessed", 7, {"key": 1}])
def test_a_key_that_is_not_known_is_a_new_visitor(key: object) -> None:
    kept, mine = Visitors(), Session()
    name, session = kept.arrive(key, mine)
    assert session is mine
    assert name != key
    assert len(name) > 20


def test_visitors_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "VISITORS_MOST", 2)
    kept = Visitors()
    first, _ = kept.arrive(None, Session())
    second, _ = kept.arrive(None, Session())
    kept.arrive(first, Session())
    kept.arrive(None, Session())
    assert kept.arrive(first, Session())[0] == first
    assert kept.arrive(second, Session())[0] != second


def test_visitors_are_bounded_in_bytes(client: Bruno, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, rich = Visitors(), Session()
    shown_by(rich, client)
    key, _ = kept.arrive(None, rich)
    assert rich.size > 0
    monkeypatch.setattr(visitors, "VISITORS_BYTES", rich.size - 1)
    assert kept.arrive(key, Session())[1] is rich, "the only one stays"
    kept.arrive(None, Session())
    assert kept.arrive(key, Session())[1] is not rich
