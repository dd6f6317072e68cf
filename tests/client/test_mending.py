"""Broken streams: resumed from the last preview when a quarter was done, begun anew otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from bruno import Accepted, Bruno, ConnectError, StreamBrokenError
from bruno.errors import ServerFullError
from bruno.protocol.retries import LONGEST_PAUSE, Retries, pause_before

from .both import Connect
from .conftest import Folder
from .scripted_server import (
    Reply,
    Scripted,
    accepted,
    event,
    picture,
    preview,
    problem,
    progress,
)


def breaks_after(step: int, steps: int = 100, with_preview: bool = True) -> Callable[[Reply], None]:
    def script(reply: Reply) -> None:
        reply.start()
        reply.say(accepted(reply.received) + progress(step, steps))
        if with_preview:
            reply.say(preview(step))
        reply.hang_up()

    return script


def test_resumed_from_the_last_preview(bruno: Bruno, scripted: Scripted, folder: Folder) -> None:
    scripted.script = [breaks_after(25)]
    stream = bruno.stream("photo.jpg", "starry-night.jpg", beta=50, init="noise", init_noise=0.5)
    starts = [one for one in stream if isinstance(one, Accepted)]
    assert [one.resumed for one in starts] == [None, {"level": 1, "step": 25}]
    first, second = scripted.requests
    assert "canvas" not in first.fields
    assert second.fields["canvas"] == picture("navy", "JPEG")
    assert second.options["resume"] == {"level": 1, "step": 25}
    # The record says what was asked for, so that it can be asked for again.
    assert (second.options["init"], second.options["init_noise"]) == ("noise", 0.5)
    assert second.options["beta"] == 50
    assert second.fields["content"] == first.fields["content"]


def test_the_record_says_how_it_was_mended(
    bruno: Bruno, scripted: Scripted, folder: Folder
) -> None:
    scripted.script = [breaks_after(5), breaks_after(40)]
    painting = bruno.paint("photo.jpg", "starry-night.jpg")
    assert painting.record["client"] == {"resumes": 1, "restarts": 1}
    assert painting.record["resumed"] == {"level": 1, "step": 40}


@pytest.mark.parametrize(
    "script", [breaks_after(24), breaks_after(90, with_preview=False), breaks_after(90, steps=0)]
)
def test_begun_anew(
    bruno: Bruno, scripted: Scripted, folder: Folder, script: Callable[[Reply], None]
) -> None:
    scripted.script = [script]
    painting = bruno.paint("photo.jpg", "starry-night.jpg")
    first, second = (received.fields for received in scripted.requests)
    assert first == second
    assert painting.record["client"] == {"resumes": 0, "restarts": 1}
    assert painting.record["resumed"] is None


def test_a_resumed_stream_that_breaks_again_keeps_its_place(
    bruno: Bruno, scripted: Scripted, folder: Folder
) -> None:
    def breaks_at_once(reply: Reply) -> None:
        reply.start()
        reply.say(accepted(reply.received))
        reply.hang_up()

    def dies(reply: Reply) -> None:
        reply.start()
        reply.say(event("error", problem(503, "interrupted", "the worker was restarted")))
        reply.end()

    scripted.script = [breaks_after(50), breaks_at_once, dies, breaks_after(75)]
    painting = bruno.paint("photo.jpg", "starry-night.jpg")
    places = [received.options.get("resume") for received in scripted.requests]
    steps = [place and place["step"] for place in places]
    assert steps == [None, 50, 50, 50, 75]
    assert painting.record["client"] == {"resumes": 3, "restarts": 0}


def test_a_painting_that_loses_its_memory_on_the_way_goes_on(
    bruno: Bruno, scripted: Scripted, folder: Folder
) -> None:
    full = problem(507, "out_of_memory", "the device ran out of memory")

    def runs_out(reply: Reply) -> None:
        reply.start()
        reply.say(accepted(reply.received) + progress(50, 100) + preview(50))
        reply.say(event("error", full))
        reply.end()

    def has_none(reply: Reply) -> None:
        reply.whole(507, "application/problem+json", json.dumps(full).encode())

    scripted.script = [runs_out, has_none]
    painting = bruno.paint("photo.jpg", "starry-night.jpg")
    assert painting.record["client"] == {"resumes": 1, "restarts": 0}
    assert len(scripted.requests) == 3


def test_a_server_that_is_restarted_is_waited_for(
    connect: Connect, scripted: Scripted, folder: Folder, pauses: list[float]
) -> None:
    def closes_shop(reply: Reply) -> None:
        breaks_after(50)(reply)
        scripted.socket.close()

    scripted.script = [closes_shop]
    with pytest.raises(ConnectError, match="connection refused"):
        connect(retries=3, patience=0.2).paint("photo.jpg", "starry-night.jpg")
    assert len(pauses) > 2


def test_a_proxy_that_hangs_up_while_its_server_is_restarted_is_waited_for(
    connect: Connect, scripted: Scripted, folder: Folder
) -> None:
    scripted.script = [breaks_after(50), *[Reply.hang_up] * 5]
    painting = connect(retries=1).paint("photo.jpg", "starry-night.jpg")
    assert painting.record["client"] == {"resumes": 1, "restarts": 0}
    scripted.script = [Reply.hang_up] * 5  # nobody knows that it is one of ours
    with pytest.raises(StreamBrokenError):
        connect(retries=1).paint("photo.jpg", "starry-night.jpg")
    assert len(scripted.requests) == 7 + 2


def test_patience_ends_with_what_went_wrong(
    connect: Connect, scripted: Scripted, folder: Folder
) -> None:
    scripted.script = [breaks_after(50)] * 9
    with pytest.raises(StreamBrokenError, match="broke before the answer was complete"):
        connect(retries=2).paint("photo.jpg", "starry-night.jpg")
    assert len(scripted.requests) == 3


def test_pauses_double_with_jitter_and_honor_hints() -> None:
    broken = StreamBrokenError("broken")
    for retry, base in ((1, 0.5), (2, 1.0), (3, 2.0), (20, LONGEST_PAUSE)):
        pauses = {pause_before(retry, broken) for _ in range(50)}
        assert base <= min(pauses)
        assert max(pauses) <= base * 1.25
        assert len(pauses) > 1
    full = ServerFullError("full", code="full", status=503)
    full.retry_after = 10.0
    assert 10 <= pause_before(1, full) <= 12.5


def full(hint: float | None) -> ServerFullError:
    error = ServerFullError("full", code="full", status=503)
    error.retry_after = hint
    return error


def test_patience_counts_from_the_first_refusal_and_the_last_pause_ends_with_it() -> None:
    now = 100.0
    retries = Retries(most=0, patience=60, clock=lambda: now)
    assert 20 <= retries.after(full(20), False, False)[0] <= 25
    now = 150.0
    pause, left = retries.after(full(9), False, False)
    assert (pause <= 10, left) == (True, "for 10 s at most")
    with pytest.raises(ServerFullError):
        retries.after(full(11), False, False)
    now = 160.0
    with pytest.raises(ServerFullError):
        retries.after(full(None), False, False)


def test_who_was_let_in_is_as_patient_as_before() -> None:
    now = 0.0
    retries = Retries(most=2, patience=60, clock=lambda: now)
    retries.after(full(None), False, False)
    now = 59.0
    assert retries.after(StreamBrokenError("broken"), True, False)[1] == "1 of 2"
    assert retries.after(ConnectError("away"), False, False)[1] == "for 60 s at most"
    assert retries.after(StreamBrokenError("broken"), True, False)[1] == "2 of 2"
    assert retries.after(StreamBrokenError("broken"), True, True)[1] == "1 of 2"
    retries.after(StreamBrokenError("broken"), True, False)
    with pytest.raises(StreamBrokenError):
        retries.after(StreamBrokenError("broken"), True, False)


def test_a_server_that_was_never_reached_is_not_waited_for() -> None:
    with pytest.raises(ConnectError):
        Retries(most=5, patience=60, clock=lambda: 0.0).after(ConnectError("away"), False, False)


def test_retries_refill_after_progress(
    connect: Connect, scripted: Scripted, folder: Folder
) -> None:
    steps = [30, 40, 50, 60, 70, 80, 90, 95]
    scripted.script = [breaks_after(step) for step in steps]
    painting = connect().paint("photo.jpg", "starry-night.jpg")
    assert painting.record["client"] == {"resumes": len(steps), "restarts": 0}


def test_progress_that_is_lost_refills_nothing(
    connect: Connect, scripted: Scripted, folder: Folder
) -> None:
    scripted.script = [breaks_after(step, with_preview=False) for step in (30, 40, 50, 60, 70)]
    with pytest.raises(StreamBrokenError):
        connect(retries=2).paint("photo.jpg", "starry-night.jpg")
    assert len(scripted.requests) == 3
