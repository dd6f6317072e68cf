"""The short versions of what make chaos, fuzz and soak do for hours, against both servers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reliability import chaos, crowd, fuzz, overload, soak
from reliability.faults import FAULTS
from reliability.mutations import hostile, hostile_json
from reliability.served import Served, serving
from reliability.table import Table


@pytest.fixture(scope="module", params=["torchserve", "asgi"])
def served(request: pytest.FixtureRequest, archive: Path) -> Iterator[Served]:
    with serving(request.param, archive) as made:
        yield made


def test_hostile_requests_are_answered_and_good_ones_paint(served: Served) -> None:
    table = Table(fuzz.HEADS)
    fuzz.attack(served, 60, 1, table, rest=0.0)
    assert [table.column(head) for head in fuzz.HEADS[3:7]] == [[0]] * 4


def test_nothing_changes_while_clients_come_and_go(served: Served) -> None:
    table = Table(soak.HEADS)
    soak.soak(served, 0.05, table)
    assert table.column("digests") == [1]


def test_a_reader_of_pictures_that_is_killed_loses_nothing(served: Served) -> None:
    killed = FAULTS[served.kind]["a reader of pictures is killed"]
    lost, twice, _, left = chaos.hurt(served, killed, 2)
    assert (lost, twice, left) == (0, 0, 0)


def test_more_clients_than_places_are_told_when_to_come_and_paint_in_the_end(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(crowd.ASKED, "steps", "5")
    # Not the minute that it is told.
    monkeypatch.setattr("bruno.protocol.retries.pause_before", lambda *_: 0.2)
    table = Table(overload.HEADS)
    overload.overload(served, 16, 0.02, table)
    wrong = ("without Retry-After", "hung", "given up")
    assert [table.column(head) for head in wrong] == [[0]] * 3
    assert table.column("painted") >= table.column("SDK clients")


def test_mutations_are_the_same_for_the_same_seed() -> None:
    def made(seed: int) -> list[Any]:
        rng = random.Random(seed)  # noqa: S311
        return [hostile(rng), hostile_json(rng)]

    assert made(3) == made(3)
    assert made(3) != made(4)
