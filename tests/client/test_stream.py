"""One painting from beginning to end: what is sent, what is told, and leaving early."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bruno import (
    Accepted,
    Bruno,
    BrunoError,
    InvalidInputError,
    Painting,
    Preview,
    Progress,
    Waiting,
    read_record,
)

from .both import Connect
from .conftest import Folder
from .scripted_server import (
    SIZE,
    Reply,
    Scripted,
    accepted,
    event,
    paint,
    painting,
    picture,
    preview,
)


def test_a_painting(bruno: Bruno, folder: Folder) -> None:
    painting = bruno.paint("photo.jpg", "starry-night.jpg", beta=50, seed=7)
    assert (painting.width, painting.height) == painting.image.size == SIZE
    assert painting.media_type == "image/png"
    assert painting.seed == 7
    assert "client" not in painting.record
    painting.save(folder.path / "painting.png")
    assert read_record("painting.png") == painting.record


def test_typed_events(bruno: Bruno, folder: Folder) -> None:
    events = list(bruno.stream(folder.photo, folder.style, beta=50))
    kinds = [type(event) for event in events]
    assert kinds == [Waiting, Accepted, *[Progress, Preview] * 4, Painting]
    assert isinstance(events[1], Accepted)
    assert events[1].options["beta"] == 50
    assert isinstance(events[2], Progress)
    assert events[2].share == 0.25
    assert isinstance(events[3], Preview)
    assert events[3].image.size == SIZE


def test_what_is_sent(bruno: Bruno, scripted: Scripted) -> None:
    photo, first, second, mask = picture("red"), picture("green"), picture("blue"), picture()
    bruno.paint(
        photo,
        [first, second],
        style_weights=np.array([1, 3]),
        masks={2: mask},
        style_masks=[mask],
        content_mask=mask,
        canvas=mask,
        palette=mask,
        content_layers={"conv4_2": 1.0},
        style_layers=["conv1_1", "conv2_1"],
        style_scale=(0.5, 2),
        reproducible=True,
        alpha=np.float32(0.5),
        size=None,
    )
    (received,) = scripted.requests
    pictures = {"content": photo, "style_1": first, "style_2": second}
    assert {name: received.fields[name] for name in pictures} == pictures
    for name in ("mask_2", "style_mask_1", "content_mask", "canvas", "palette"):
        assert received.fields.pop(name) == mask
    texts = {name: text.decode() for name, text in received.fields.items() if name not in pictures}
    assert {name: json.loads(text) for name, text in texts.items()} == {
        "style_weights": [1, 3],
        "content_layers": {"conv4_2": 1.0},
        "style_layers": ["conv1_1", "conv2_1"],
        "style_scale": [0.5, 2],
        "reproducible": True,
        "alpha": 0.5,
    }
    assert received.headers["Accept"] == "text/event-stream"


def test_an_unknown_option_is_refused_before_anything_is_sent(
    bruno: Bruno, folder: Folder, scripted: Scripted
) -> None:
    with pytest.raises(InvalidInputError, match="there is no option gamma"):
        bruno.paint("photo.jpg", "starry-night.jpg", gamma=1)  # type: ignore[call-arg]
    assert not scripted.requests


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content_layers", {"conv1_1"}),
        ("style_layers", {("conv1_1",): 1.0}),
        ("preset", "\udcff"),
        ("alpha", object()),
        ("resume", b"level"),
    ],
)
def test_a_value_that_cannot_be_sent_is_told(
    bruno: Bruno, folder: Folder, scripted: Scripted, name: str, value: Any
) -> None:
    with pytest.raises(InvalidInputError, match=f"^{name} must be .*, got "):
        bruno.paint("photo.jpg", "starry-night.jpg", **{name: value})
    assert not scripted.requests


def one_preview_then_wait(reply: Reply) -> None:
    reply.start()
    reply.say(accepted(reply.received) + preview(1))
    reply.wait_for_the_client_to_leave()


@pytest.mark.parametrize("way", ["with", "break", "close"])
def test_leaving_closes_the_connection(
    connect: Connect, way: str, scripted: Scripted, folder: Folder
) -> None:
    scripted.script = [one_preview_then_wait]
    stream = connect().stream(folder.photo, folder.style)
    if way == "with":
        with stream:
            next(stream)
    elif way == "close":
        next(stream)
        stream.close()
    else:
        for _ in stream:
            break
        del stream
    assert scripted.left.wait(2)


def test_cancel_from_another_thread(connect: Connect, scripted: Scripted, folder: Folder) -> None:
    go_on = threading.Event()

    def chatty(reply: Reply) -> None:
        reply.start()
        reply.say(accepted(reply.received))
        go_on.wait(10)
        reply.say(preview(1))
        reply.wait_for_the_client_to_leave()

    scripted.script = [chatty]
    stream = connect().stream(folder.photo, folder.style)
    next(stream)
    canceler = threading.Thread(target=lambda: (stream.cancel(), go_on.set()))
    canceler.start()
    assert list(stream) == []
    canceler.join()
    assert scripted.left.wait(2)


def test_cancel_does_not_wait_for_a_pause(
    connect: Connect, scripted: Scripted, folder: Folder
) -> None:
    def full_for_long(reply: Reply) -> None:
        reply.whole(503, "application/problem+json", FULL, Retry_After="60")

    scripted.script = [full_for_long]
    stream = connect().stream(folder.photo, folder.style)
    threading.Timer(0.3, stream.cancel).start()
    begun = time.monotonic()
    assert list(stream) == []
    assert time.monotonic() - begun < 10


FULL = json.dumps({"status": 503, "code": "full", "detail": "the queue is full"}).encode()


def test_events_of_a_later_server_are_passed_over(
    bruno: Bruno, scripted: Scripted, folder: Folder
) -> None:
    def from_the_future(reply: Reply) -> None:
        reply.start()
        reply.say(event("applause", {"loud": True}) + b": a comment\n\n")
        reply.say(painting(reply.received))
        reply.end()

    scripted.script = [from_the_future]
    assert [type(one) for one in bruno.stream("photo.jpg", "starry-night.jpg")] == [Painting]


def test_an_answer_in_tiny_pieces(bruno: Bruno, scripted: Scripted, folder: Folder) -> None:
    def drop_by_drop(reply: Reply) -> None:
        reply.start()
        text = accepted(reply.received) + painting(reply.received)
        for start in range(0, len(text), 3):
            reply.say(text[start : start + 3])
        reply.end()

    scripted.script = [drop_by_drop]
    assert bruno.paint("photo.jpg", "starry-night.jpg").image.size == SIZE


def test_one_client_serves_many_threads(bruno: Bruno, scripted: Scripted, folder: Folder) -> None:
    seeds: list[int] = []

    def one(seed: int) -> None:
        seeds.append(bruno.paint("photo.jpg", "starry-night.jpg", seed=seed).seed)

    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seeds) == list(range(8))


def test_an_answer_read_to_its_end_leaves_the_connection_open(
    connect: Connect, scripted: Scripted, folder: Folder
) -> None:
    ports = []

    def ends_late(reply: Reply) -> None:
        ports.append(reply.client_address[1])
        reply.start()
        reply.say(painting(reply.received))
        time.sleep(0.05)
        reply.end()

    scripted.script = [ends_late, ends_late]
    bruno = connect()
    bruno.paint("photo.jpg", "starry-night.jpg")
    bruno.paint("photo.jpg", "starry-night.jpg")
    assert len(ports) == 2
    assert len(set(ports)) == 1


@pytest.mark.parametrize("way", ["hangs up", "falls silent"])
def test_a_painting_that_came_is_not_lost(
    way: str, bruno: Bruno, scripted: Scripted, folder: Folder
) -> None:
    def has_no_end(reply: Reply) -> None:
        reply.start()
        reply.say(painting(reply.received))
        if way == "hangs up":
            reply.hang_up()
        else:
            reply.wait_for_the_client_to_leave()

    scripted.script = [has_no_end]
    assert bruno.paint("photo.jpg", "starry-night.jpg").image.size == SIZE
    assert len(scripted.requests) == 1


def waits_before_the_answer(reply: Reply) -> None:
    reply.server.begun.set()
    reply.wait_for_the_client_to_leave()


def waits_within_the_answer(reply: Reply) -> None:
    reply.start()
    reply.say(accepted(reply.received))
    reply.server.begun.set()
    reply.wait_for_the_client_to_leave()


def waits_without_keeping_alive(reply: Reply) -> None:
    reply.send_response(200)
    reply.send_header("Content-Type", "text/event-stream")
    reply.send_header("Connection", "close")
    reply.end_headers()
    reply.server.begun.set()
    reply.wait_for_the_client_to_leave()


SILENT = [waits_before_the_answer, waits_within_the_answer, waits_without_keeping_alive]


@pytest.mark.parametrize("verb", ["cancel", "close"])
@pytest.mark.parametrize("script", SILENT)
@pytest.mark.parametrize("connection", ["new", "kept alive", "through a proxy"])
def test_leaving_from_another_thread_acts_at_once(
    connect: Connect,
    verb: str,
    script: Callable[[Reply], None],
    connection: str,
    scripted: Scripted,
    folder: Folder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if connection == "through a proxy":
        monkeypatch.setenv("http_proxy", scripted.url)
        monkeypatch.setenv("BRUNO_URL", "http://bruno.invalid")
    bruno = connect(timeout=(5, 300))
    events: list[object] = []
    told, ended = threading.Event(), threading.Event()

    def follow() -> None:
        if connection == "kept alive":
            bruno.health()
        scripted.script = [script]
        for one in stream:
            events.append(one)
            told.set()
        ended.set()

    stream = bruno.stream(folder.photo, folder.style)
    threading.Thread(target=follow, daemon=True).start()
    assert scripted.begun.wait(20)
    assert script is not waits_within_the_answer or told.wait(20)
    getattr(stream, verb)()
    assert ended.wait(20), "it waits for the next event"
    assert scripted.left.wait(20)
    assert [type(one) for one in events] == [Accepted] * told.is_set()
    assert len(scripted.requests) == 1 + (connection == "kept alive")


def test_leaving_before_the_first_event_asks_for_nothing(
    bruno: Bruno, scripted: Scripted, folder: Folder
) -> None:
    stream = bruno.stream(folder.photo, folder.style)
    stream.cancel()
    assert list(stream) == []
    with pytest.raises(BrunoError, match="the painting was canceled"):
        stream.painting()
    assert not scripted.requests


def test_a_connection_that_is_kept_alive_outlives_its_stream(
    bruno: Bruno, scripted: Scripted, folder: Folder
) -> None:
    with bruno.stream(folder.photo, folder.style) as stream:
        stream.painting()
        scripted.script = [lambda reply: (stream.close(), paint(reply))]
        assert bruno.health() == "ready"
