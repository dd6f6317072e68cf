"""One visitor's paintings, against a scripted server."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import replace
from typing import Any

import pytest
from scripted_server import (
    DESCRIPTION,
    Reply,
    Scripted,
    accepted,
    event,
    paint,
    preview,
    problem,
    progress,
)

from bruno import Bruno, read_record
from bruno.studio.order import Order
from bruno.studio.session import TRIES_MOST, Session
from bruno.studio.view_state import ViewState

from .conftest import PHOTO, STYLE

ORDER = Order(str(PHOTO), [str(STYLE)], {"beta": 50.0})


def shown_by(session: Session, client: Bruno, order: Order = ORDER) -> list[ViewState]:
    return list(session.paint(client, order))


def begun(reply: Reply) -> None:
    reply.start()
    reply.say(event("waiting", {"position": 2}) + accepted(reply.received))
    reply.say(progress(25) + preview(25))


def test_a_painting_from_the_line_to_the_try(client: Bruno) -> None:
    session = Session()
    states = shown_by(session, client)
    said = [state.status for state in states]
    assert said[:3] == [
        "Sending the pictures.",
        "In the queue: yours is next.",
        "Painting: 64 × 48, 1 level.",
    ]
    assert "Step 25 of 100 · 64 × 48 · 8 s left" in said
    assert said[-1] == "Finished: 64 × 48, 100 steps in 10.0 s."
    assert sum(state.canvas is not None for state in states) >= 4
    assert states[-1].share == 1
    assert [one.name for one in session.tries] == ["1 · photo as style"]
    assert session.tries[0].options["beta"] == 50
    assert session.running is None


def test_only_milestones_are_read_aloud(client: Bruno) -> None:
    aloud = [state.announced for state in shown_by(Session(), client)]
    assert [words for words in dict.fromkeys(aloud) if "painted" in words] == [
        "25% painted",
        "50% painted",
        "75% painted",
        "100% painted",
    ]


def test_stopping_keeps_the_canvas_with_a_record(client: Bruno, scripted: Scripted) -> None:
    def endless(reply: Reply) -> None:
        begun(reply)
        assert stopped.wait(10)
        reply.say(progress(26))
        reply.wait_for_the_client_to_leave()

    stopped = threading.Event()
    scripted.script += [paint, endless]
    session, last = Session(), ViewState()
    for last in session.paint(client, ORDER):
        if last.canvas:
            session.stop()
            stopped.set()
    assert last.status == "Stopped at step 25 of 100; the canvas so far is kept as a try."
    assert scripted.left.wait(5)
    record = read_record(session.tries[0].painting.data)
    assert record["options"]["beta"] == 50
    assert record["steps"] == 25
    assert record["incomplete"] == "stopped at step 25 of 100: the canvas is its last preview"
    assert (record["width"], record["height"]) == (64, 48)
    assert record["digests"]["content"] == hashlib.sha256(PHOTO.read_bytes()).hexdigest()
    assert session.tries[0].stopped


def test_leaving_the_page_cancels_and_keeps_the_canvas(client: Bruno, scripted: Scripted) -> None:
    def endless(reply: Reply) -> None:
        begun(reply)
        reply.wait_for_the_client_to_leave()

    scripted.script += [paint, endless]
    session = Session()
    states = session.paint(client, ORDER)
    while not next(states).canvas:
        pass
    states.close()
    assert scripted.left.wait(5)
    record = session.tries[0].painting.record
    assert record["incomplete"] == "left at step 25 of 100: the canvas is its last preview"


def test_what_breaks_off_keeps_the_canvas(client: Bruno, scripted: Scripted) -> None:
    def fails(reply: Reply) -> None:
        begun(reply)
        reply.say(event("error", problem(500, "internal_error", "the server has a defect")))
        reply.end()

    scripted.script += [paint, fails]
    session = Session()
    last = shown_by(session, client)[-1]
    assert last.status == "The server has a defect. The canvas so far is kept as a try."
    assert last.trouble
    assert session.tries[0].stopped


def refuse(status: int, body: dict[str, Any], media_type: str) -> Any:
    def reply_with(reply: Reply) -> None:
        reply.whole(status, media_type, json.dumps(body).encode())

    return reply_with


def test_a_full_server_is_told_and_waited_for(client: Bruno, scripted: Scripted) -> None:
    full = problem(503, "full", "no place in the queue", retry_after=0)
    told_full = refuse(200, DESCRIPTION | {"health": "full"}, "application/json")
    scripted.script += [told_full, refuse(503, full, "application/problem+json")]
    states = shown_by(Session(), client)
    assert states[0].status.startswith("The server is full")
    assert states[-1].painting


def test_a_server_that_is_away_is_one_sentence() -> None:
    away = Bruno("http://127.0.0.1:9", timeout=(0.5, 0.5))
    session = Session()
    (last,) = shown_by(session, away)
    assert last.trouble
    assert session.away
    assert last.status == (
        "http://127.0.0.1:9 cannot be reached: connection refused; is the server running? "
        "This page goes on by itself once it is."
    )


def test_a_refused_token_is_one_sentence(client: Bruno, scripted: Scripted) -> None:
    refused = {"code": 400, "type": "InvalidKeyException", "message": "Token is incorrect"}
    scripted.script += [refuse(400, refused, "application/json")]
    (last,) = shown_by(Session(), client)
    assert last.status.startswith("The server refused the token")
    assert last.status.endswith("Start the studio with --key-file or --token.")


def test_a_refused_value_is_the_servers_sentence(client: Bruno) -> None:
    order = Order(str(PHOTO), [str(STYLE)], {"alpha": -1.0})
    assert shown_by(Session(), client, order)[-1].status == "Alpha must be …, got -1."


def test_tries_are_numbered_and_bounded(client: Bruno) -> None:
    session = Session()
    for _ in range(TRIES_MOST + 1):
        shown_by(session, client)
    assert len(session.tries) == TRIES_MOST
    assert session.tries[0].number == 2
    session.forget(session.chosen)
    assert session.chosen == session.tries[-1].number == TRIES_MOST


def test_visitors_share_nothing(client: Bruno) -> None:
    one, other = Session(), Session()
    shown_by(one, client)
    assert (len(one.tries), other.tries) == (1, [])


STOPPED_EARLY = "Stopped before there was a canvas to keep."


def test_a_stop_while_the_server_is_asked_is_not_lost(client: Bruno, scripted: Scripted) -> None:
    session = Session()
    scripted.script += [lambda reply: (session.stop(), paint(reply))]
    assert shown_by(session, client)[-1].status == STOPPED_EARLY
    assert len(scripted.requests) == 1
    assert shown_by(session, client)[-1].painting


def test_a_stop_before_the_first_event_is_not_lost(client: Bruno, scripted: Scripted) -> None:
    session = Session()
    states = session.paint(client, ORDER)
    session.stop()
    assert [state.status for state in states] == ["Sending the pictures.", STOPPED_EARLY]
    assert not any(one.fields for one in scripted.requests)


def test_a_stop_that_comes_too_late_stops_no_other(client: Bruno) -> None:
    session = Session()
    shown_by(session, client)
    session.stop()
    assert shown_by(session, client)[-1].painting


def test_a_stop_does_not_wait_for_the_server(scripted: Scripted) -> None:
    def silent(reply: Reply) -> None:
        begun(reply)
        heard.wait(20)
        session.stop()
        reply.wait_for_the_client_to_leave()

    heard, session, last = threading.Event(), Session(), ViewState()
    scripted.script += [paint, silent]
    for last in session.paint(Bruno(scripted.url, timeout=(5, 300)), ORDER):
        if last.canvas:
            heard.set()
    assert last.status == "Stopped at step 25 of 100; the canvas so far is kept as a try."
    assert scripted.left.wait(20)


def test_tries_are_bounded_in_bytes(client: Bruno, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session()
    shown_by(session, client)
    size = session.tries[0].size
    assert size > len(session.tries[0].painting.data)
    monkeypatch.setattr("bruno.studio.session.TRIES_BYTES", 3 * size + size // 2)
    for _ in range(4):
        shown_by(session, client)
    assert [one.number for one in session.tries] == [3, 4, 5]
    monkeypatch.setattr("bruno.studio.session.TRIES_BYTES", 1)
    shown_by(session, client)
    assert [one.number for one in session.tries] == [6], "the newest one is always kept"


def test_a_change_that_is_refused_keeps_the_canvas(client: Bruno, scripted: Scripted) -> None:
    def waits(reply: Reply) -> None:
        begun(reply)
        reply.wait_for_the_client_to_leave()

    scripted.script += [paint, waits]
    session, last = Session(), ViewState()
    for last in session.paint(client, ORDER):
        if last.canvas and session.running and not scripted.left.is_set():
            assert session.change(replace(ORDER, request={"alpha": -1.0}))
    assert last.trouble
    assert last.status.endswith("The canvas so far is kept as a try.")
    assert [one.options["beta"] for one in session.tries] == [50]


def test_a_change_with_the_last_event_is_not_lost(client: Bruno, scripted: Scripted) -> None:
    session, changed = Session(), False
    for state in session.paint(client, ORDER):
        if state.share == 1 and not state.painting and not changed:
            changed = session.change(replace(ORDER, request={"beta": 60.0}))
        if state.painting:
            assert not session.change(replace(ORDER, request={"beta": 70.0}))
    assert changed
    assert session.tries[-1].options["beta"] == 60
    assert session.running is None
