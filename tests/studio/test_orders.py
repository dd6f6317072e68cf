"""The queue of one visitor, variations, and what goes on larger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from bruno import InvalidInputError, Painting
from bruno.records import Record
from bruno.studio.order import Order, Queue
from bruno.studio.variations import KINDS, MOST, vary

ORDER = Order("photo.jpg", ["style.png"], {"beta": 20.0, "seed": 3})


def drained(queue: Queue) -> list[Order]:
    orders = []
    while order := queue.next(lambda order: order):
        orders.append(order)
    return orders


def test_the_first_to_come_paints_for_all() -> None:
    queue, other = Queue(), vary(ORDER, "seed", 2)
    assert queue.add([ORDER])
    assert queue.next(lambda order: order) == ORDER
    assert not queue.add(other)
    assert drained(queue) == other
    assert queue.add([ORDER])


def test_two_clicks_at_once_begin_once() -> None:
    queue = Queue()
    assert queue.add([ORDER])
    assert not queue.add([ORDER])
    assert drained(queue) == [ORDER]
    assert queue.add([ORDER])


def test_what_is_there_is_not_added_again() -> None:
    queue = Queue()
    queue.add([ORDER, ORDER])
    queue.next(lambda order: order)
    queue.add([ORDER])
    assert queue.waiting == []


def test_what_is_done_can_be_asked_for_again() -> None:
    queue = Queue()
    queue.add([ORDER])
    queue.next(lambda order: order)
    queue.finished = True
    assert not queue.add([ORDER])
    assert drained(queue) == [ORDER]


def test_what_waits_can_be_taken_out() -> None:
    queue = Queue()
    one, two, three = vary(ORDER, "beta", 3)
    queue.add([one, two, three])
    queue.drop(queue.waiting[1].number)
    assert drained(queue) == [one, three]
    queue.add([one, two])
    queue.clear()
    assert drained(queue) == []


@pytest.mark.parametrize(
    ("option", "words", "values"),
    [
        ("seed", "seed", [3, 4, 5]),
        ("beta", "style strength", [10, 20, 40]),
        ("beta", "style strength", [10, 40]),
    ],
)
def test_values_that_vary(option: str, words: str, values: list[float]) -> None:
    orders = vary(ORDER, option, len(values))
    assert [order.request[option] for order in orders] == values
    assert orders[0].note == f"{words} {values[0]}"
    assert {order.photo for order in orders} == {ORDER.photo}


@pytest.mark.parametrize("option", KINDS.values())
def test_variations_differ_and_are_allowed(option: str) -> None:
    at_the_edge = Order("a", ["b"], {"style_scale": 4.0, "seed": 2**32 - 2, "alpha": 0.0})
    orders = vary(at_the_edge, option, MOST)
    assert len(orders) >= 2
    assert len({order.request[option] for order in orders}) == len(orders)


def test_larger_goes_on_from_the_canvas() -> None:
    larger = ORDER.larger(b"canvas", 640)
    assert larger.request == {
        "beta": 20.0,
        "seed": 3,
        "canvas": b"canvas",
        "init": "image",
        "size": 1280,
        "levels": 2,
    }
    assert larger.note == "larger, 1280 px"
    assert ORDER.larger(b"canvas", 8000).request["size"] == 8192


def finished(levels: int = 2, **options: Any) -> Painting:
    record = {"options": {"size": 512, "levels": levels} | options, "levels": [{}] * levels}
    return Painting(b"canvas", "image/png", 64, 48, cast(Record, record))


def test_what_goes_on_keeps_its_detail() -> None:
    on = ORDER.going_on(finished())
    assert on.request == {**ORDER.request, "canvas": b"canvas", "resume": {"level": 2, "step": 0}}
    again = replace(ORDER, request={"size": 256}, note="", given=()).going_on(finished())
    assert again.request == {"size": 256, "canvas": b"canvas"}
    assert (on.given, again.given) == (("canvas", "resume"), ("canvas",))


def test_dials_that_change_what_is_painted(tmp_path: Path) -> None:
    photo, other = tmp_path / "photo.png", tmp_path / "other.png"
    photo.write_bytes(b"photo")
    other.write_bytes(b"other")
    before = Order(str(photo), ["style.png"], {"beta": 20.0, "tv": 1}).larger(b"canvas", 640)
    now = Order(str(photo), ["new.png"], {"beta": 30.0, "size": 512}).in_place_of(before)
    assert now.changes(before) == {"beta": 30.0, "tv": None, "style": ["new.png"]}
    assert (now.note, now.request["size"]) == ("larger, 1280 px", 1280)
    assert before.changes(before) == {}
    with pytest.raises(InvalidInputError, match="of another photo"):
        Order(str(other), ["style.png"], {}).in_place_of(before)
