"""What one client is told, and in which pieces, whatever the engine does."""

import base64
import json
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from order import Order
from painter.errors import Full, Internal
from painter.progress import Painted

LOST = Internal("internal", "lost")


class Job(SimpleNamespace):
    """A stand-in that an order can ask for what it tells."""

    def __init__(self, preview_every: float = 1.0) -> None:
        super().__init__(
            options=SimpleNamespace(preview_every=preview_every),
            accepted={"width": 4, "height": 3},
            finished=False,
            error=None,
        )
        self.at(1)

    def at(self, step: int) -> None:
        self.progress = SimpleNamespace(step=step, as_json=lambda: {"step": step})

    def preview(self) -> Any:
        step = self.progress.step
        return SimpleNamespace(as_json=lambda: {"step": step})


def begun(events: bool, job: Job | None = None) -> Order:
    order = Order("id", started=0.0, events=events)
    order.open("image/png")
    order.accept(job or Job())  # type: ignore[arg-type]
    order.take(10_000, now=0.0)
    return order


def told(order: Order, now: float = 0.0) -> list[tuple[str, Any]]:
    """The events that go out next."""
    blocks = order.take(10**9, now).body.decode().split("\n\n")[:-1]
    lines = [block.split("\n") for block in blocks]
    return [(name[7:], json.loads(data[6:])) for name, data in lines]


def test_the_place_in_the_line_is_told_when_it_changes_and_as_a_sign_of_life() -> None:
    order = Order("id", started=0.0, events=True)
    order.wait(2, now=0.0)
    assert told(order) == [("waiting", {"position": 2})]
    order.wait(2, now=4.9)
    assert told(order, now=4.9) == []
    order.wait(1, now=4.9)
    assert told(order, now=4.9) == [("waiting", {"position": 1})]
    order.wait(1, now=9.9)
    assert told(order) == [("waiting", {"position": 1})]


def test_progress_is_told_when_it_is_new_and_as_a_sign_of_life() -> None:
    job = Job(preview_every=0.0)
    order = begun(events=True, job=job)
    order.report(job, now=1.0)  # type: ignore[arg-type]
    assert told(order, now=1.0) == [("progress", {"step": 1})]
    order.report(job, now=5.9)  # type: ignore[arg-type]
    assert told(order, now=5.9) == []
    order.report(job, now=6.0)  # type: ignore[arg-type]
    assert told(order, now=6.0) == [("progress", {"step": 1})]


def test_previews_come_when_they_are_due_and_show_something_new() -> None:
    job = Job(preview_every=2.0)
    order = begun(events=True, job=job)
    seen = []
    for now, step in enumerate([1, 2, 3, 3, 4]):
        job.at(step)
        order.report(job, now=float(now))  # type: ignore[arg-type]
        seen.append([data["step"] for name, data in told(order) if name == "preview"])
    assert seen == [[1], [], [3], [], [4]]


def test_a_picture_stream_carries_nothing_but_the_picture() -> None:
    job = Job()
    order = begun(events=False, job=job)
    order.wait(1, now=99.0)
    order.report(job, now=99.0)  # type: ignore[arg-type]
    assert order.pending == 0
    order.finish(job, Painted(b"PNG", "image/png", 4, 3, {}))  # type: ignore[arg-type]
    reply = order.take(100, now=99.0)
    assert (reply.body, reply.first, reply.last) == (b"PNG", False, True)


def test_the_answer_leaves_in_pieces_and_only_the_last_one_ends_it() -> None:
    order = begun(events=True)
    data = bytes(range(256)) * 4
    order.finish(Job(), Painted(data, "image/png", 4, 3, {"seed": 0}))  # type: ignore[arg-type]
    pieces = []
    while not pieces or not pieces[-1].last:
        pieces.append(order.take(100, now=0.0))
    assert {len(piece.body) for piece in pieces[:-1]} == {100}
    event = b"".join(piece.body for piece in pieces).decode()
    name, line = event.split("\n\n")[0].split("\n")
    assert name == "event: painting"
    painting = json.loads(line[6:])
    assert base64.b64decode(painting["image"]) == data
    assert (painting["width"], painting["height"], painting["record"]) == (4, 3, {"seed": 0})


@pytest.mark.parametrize("events", [False, True])
def test_what_fails_at_once_has_its_own_status(events: bool) -> None:
    order = Order("id", started=0.0, events=events)
    order.open("image/png")
    order.accept(Job())  # type: ignore[arg-type]
    order.fail(Full("at most 4", retry_after=3))
    reply = order.take(10_000, now=0.0)
    assert (reply.status, reply.first, reply.last) == (503, True, True)
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.headers["Retry-After"] == "3"
    assert json.loads(reply.body)["code"] == "full"


def test_what_fails_later_ends_a_stream_of_events_with_the_problem() -> None:
    order = begun(events=True)
    order.fail(LOST)
    assert [(name, data["code"]) for name, data in told(order)] == [("error", "internal")]
    assert order.ended


def test_a_problem_never_gets_into_a_picture() -> None:
    order = begun(events=False)
    order.fail(LOST)
    reply = order.take(10_000, now=0.0)
    assert (reply.body, reply.last) == (b"", True)


def test_an_ended_order_lets_go_of_its_job() -> None:
    order = begun(events=True)
    order.encoding = Future()
    order.fail(LOST)
    assert (order.job, order.encoding) == (None, None)
    assert order.summary(now=2.0) == "id failed: internal, 4x3 px, 1 steps, 2.0 s"
