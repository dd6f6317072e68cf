"""What one client is told, and in which pieces, whatever the engine does."""

import base64
import json
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bruno_service.session import Session
from painter.errors import Full, Internal
from painter.painting.progress import Painted, Preview

LOST = Internal("internal", "lost")


PAINTED = Painted(b"PNG", "image/png", 4, 3, {"seed": 0})


def progress(step: int) -> Any:
    """A stand-in that a session can ask for what it tells."""
    return SimpleNamespace(step=step, as_json=lambda: {"step": step})


def mailbox() -> Any:
    """A stand-in for a painting of 4 x 3 px after its first step."""
    return SimpleNamespace(plan=SimpleNamespace(shape=(3, 4)), progress=progress(1))


def begun(events: bool) -> Session:
    session = Session("id", started=0.0, events=events)
    session.open("image/png")
    session.mailbox = mailbox()
    session.accept({"width": 4})
    session.take(10_000, now=0.0)
    return session


def told(session: Session, now: float = 0.0) -> list[tuple[str, Any]]:
    """The events that go out next."""
    blocks = session.take(10**9, now).body.decode().split("\n\n")[:-1]
    lines = [block.split("\n") for block in blocks]
    return [(name[7:], json.loads(data[6:])) for name, data in lines]


def test_the_place_in_the_line_is_told_when_it_changes_and_as_a_sign_of_life() -> None:
    session = Session("id", started=0.0, events=True)
    session.wait(2, now=0.0)
    assert told(session) == [("waiting", {"position": 2})]
    session.wait(2, now=4.9)
    assert told(session, now=4.9) == []
    session.wait(1, now=4.9)
    assert told(session, now=4.9) == [("waiting", {"position": 1})]
    session.wait(1, now=9.9)
    assert told(session) == [("waiting", {"position": 1})]


def test_progress_is_told_when_it_is_new_and_as_a_sign_of_life() -> None:
    session = begun(events=True)
    session.report(progress(1), now=1.0)
    assert told(session, now=1.0) == [("progress", {"step": 1})]
    session.report(progress(1), now=5.9)
    assert told(session, now=5.9) == []
    session.report(progress(1), now=6.0)
    session.report(progress(1), now=6.0)
    assert told(session, now=6.0) == [("progress", {"step": 1})]


def test_previews_are_told_as_they_come() -> None:
    session = begun(events=True)
    session.show(Preview(level=1, step=2, width=4, height=3, data=b"JPEG"))
    ((name, data),) = told(session)
    assert (name, data["step"], base64.b64decode(data["image"])) == ("preview", 2, b"JPEG")


def test_a_picture_stream_carries_nothing_but_the_picture() -> None:
    session = begun(events=False)
    session.wait(1, now=99.0)
    session.report(progress(2), now=99.0)
    assert session.pending == 0
    session.finish(PAINTED)
    reply = session.take(100, now=99.0)
    assert (reply.body, reply.first, reply.last) == (b"PNG", False, True)


def test_nothing_is_decided_before_it_is_said() -> None:
    session = Session("id", started=0.0)
    session.open("image/png")
    assert not session.decided
    for decide in (
        lambda one: one.wait(1, now=0.0),
        lambda one: one.accept({}),
        lambda one: one.fail(LOST),
        lambda one: one.describe({}),
    ):
        session = Session("id", started=0.0)
        decide(session)
        assert (session.decided, session.has_news) == (True, True)


def test_a_stream_is_overdue_sooner_than_a_picture() -> None:
    told_when = [
        [
            Session("id", started=0.0, events=events).is_overdue(now)
            for now in (4.9, 5.0, 29.9, 30.0)
        ]
        for events in (True, False)
    ]
    assert told_when == [[False, True, True, True], [False, False, False, True]]


def test_the_answer_leaves_in_pieces_and_only_the_last_one_ends_it() -> None:
    session = begun(events=True)
    data = bytes(range(256)) * 4
    session.finish(replace(PAINTED, data=data))
    pieces = []
    while not pieces or not pieces[-1].last:
        pieces.append(session.take(100, now=0.0))
    assert {len(piece.body) for piece in pieces[:-1]} == {100}
    event = b"".join(piece.body for piece in pieces).decode()
    name, line = event.split("\n\n")[0].split("\n")
    assert name == "event: painting"
    painting = json.loads(line[6:])
    assert base64.b64decode(painting["image"]) == data
    assert (painting["width"], painting["height"], painting["record"]) == (4, 3, {"seed": 0})


@pytest.mark.parametrize("events", [False, True])
def test_what_fails_at_once_has_its_own_status(events: bool) -> None:
    session = Session("id", started=0.0, events=events)
    session.open("image/png")
    session.accept({})
    session.fail(Full("at most 4", retry_after=3))
    reply = session.take(10_000, now=0.0)
    assert (reply.status, reply.first, reply.last) == (503, True, True)
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.headers["Retry-After"] == "3"
    assert json.loads(reply.body)["code"] == "full"


def test_what_fails_later_ends_a_stream_of_events_with_the_problem() -> None:
    session = begun(events=True)
    session.fail(LOST)
    assert [(name, data["code"]) for name, data in told(session)] == [("error", "internal")]
    assert session.ended


def test_a_problem_never_gets_into_a_picture() -> None:
    session = begun(events=False)
    session.fail(LOST)
    reply = session.take(10_000, now=0.0)
    assert (reply.body, reply.last) == (b"", True)


def test_an_ended_order_lets_go_of_its_painting() -> None:
    session = begun(events=True)
    encoding, previewing = Future[Painted](), Future[Preview]()
    session.encoding, session.previewing = encoding, previewing
    session.fail(LOST)
    assert (session.mailbox, session.encoding, session.previewing) == (None, None, None)
    assert encoding.cancelled()
    assert previewing.cancelled()
    assert (session.outcome, session.code) == ("failed", "internal")
    assert (session.size, session.steps) == ((4, 3), 1)
