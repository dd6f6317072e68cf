"""The client as such: closing it, sessions of one's own, what is logged, what notebooks show."""

from __future__ import annotations

import io
import json
import logging
import threading

import pytest
import requests
from PIL import Image

from bruno import Bruno, BrunoError, ConnectError, Painting, Preview, Task

from .both import Connect
from .conftest import Folder
from .scripted_server import (
    Reply,
    Scripted,
    accepted,
    paint,
    painting,
    picture,
    preview,
    progress,
)


def test_a_client_is_closed_by_with(connect: Connect, scripted: Scripted) -> None:
    ports = []

    def noted(reply: Reply) -> None:
        ports.append(reply.client_address[1])
        paint(reply)

    scripted.script = [noted, noted]
    with connect() as bruno:
        assert [bruno.health(), bruno.health()] == ["ready", "ready"]
    assert len(ports) == 2
    assert len(set(ports)) == 1
    with pytest.raises(BrunoError, match="the client is closed"):
        bruno.health()
    with pytest.raises(BrunoError, match="the client is closed"):
        bruno.state()
    bruno.close()
    assert len(scripted.requests) == 2
    assert not scripted.fetched


def test_a_stream_outlives_its_client(connect: Connect, scripted: Scripted, folder: Folder) -> None:
    closed = threading.Event()

    def begins_and_ends_later(reply: Reply) -> None:
        reply.start()
        reply.say(accepted(reply.received))
        closed.wait(20)
        reply.say(painting(reply.received))
        reply.end()

    scripted.script = [begins_and_ends_later]
    with connect() as bruno:
        events = bruno.stream("photo.jpg", "starry-night.jpg")
        next(events)
    closed.set()
    assert [type(event) for event in events] == [Painting]
    with pytest.raises(BrunoError, match="the client is closed"):
        bruno.health()


def test_a_server_that_answers_nothing_is_waited_for_no_longer(
    connect: Connect, scripted: Scripted
) -> None:
    scripted.script = [Reply.wait_for_the_client_to_leave]
    with pytest.raises(ConnectError, match=r"not ready after 0\.2 s: .* nothing for 0\.5 seconds"):
        connect(timeout=(5, 300)).wait_ready(0.2)
    assert scripted.left.wait(20)


def test_closing_ends_the_connections_of_every_thread(connect: Connect, scripted: Scripted) -> None:
    ended = threading.Event()

    def stays(reply: Reply) -> None:
        paint(reply)
        if reply.connection.recv(1) == b"":
            ended.set()
        reply.close_connection = True

    scripted.script = [stays]
    bruno = connect()
    asked, go_on = threading.Event(), threading.Event()

    def asks_and_stays() -> None:
        bruno.health()
        asked.set()
        go_on.wait(20)

    thread = threading.Thread(target=asks_and_stays)
    thread.start()
    assert asked.wait(20)
    bruno.close()
    assert ended.wait(20)
    go_on.set()
    thread.join()


def test_a_session_of_ones_own(scripted: Scripted, folder: Folder) -> None:
    with requests.Session() as session:
        session.headers["X-Studio"] = "north light"
        session.auth = ("painter", "secret")
        with Bruno(session=session) as bruno:
            bruno.paint("photo.jpg", "starry-night.jpg")
        with Bruno(session=session, token="mine") as bruno:  # noqa: S106 - no secret
            bruno.health()
        assert session.get(f"{scripted.url}/picture.png").ok  # it stays open
    first, second = (received.headers for received in scripted.requests)
    assert first["X-Studio"] == second["X-Studio"] == "north light"
    assert first["Authorization"].startswith("Basic ")
    assert second["Authorization"] == "Bearer mine"


def test_a_session_serves_many_threads(scripted: Scripted, folder: Folder) -> None:
    with requests.Session() as session:
        batch = Bruno(session=session).batch(["photo.jpg"] * 4, ["starry-night.jpg"], at_once=3)
        assert len(list(batch)) == 4


def test_retries_are_logged(
    connect: Connect, scripted: Scripted, folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(reply: Reply) -> None:
        reply.start()
        reply.say(accepted(reply.received) + progress(50) + preview(50))
        reply.hang_up()

    scripted.script = [Reply.hang_up, breaks]
    with caplog.at_level(logging.INFO, logger="bruno"):
        connect(retries=4).paint("photo.jpg", "starry-night.jpg")
    first, second = caplog.records
    assert {first.name, first.levelname, second.levelname} == {"bruno", "WARNING"}
    assert "broke before the answer was complete: trying again in 0.0 s (1 of 4), as it was" in (
        first.getMessage()
    )
    assert second.getMessage().endswith("(1 of 4), from step 50 of level 1")


def test_what_went_well_is_not_logged(
    connect: Connect, scripted: Scripted, folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="bruno"):
        connect().paint("photo.jpg", "starry-night.jpg")
    assert caplog.records == []


def test_tasks_are_keys(bruno: Bruno, folder: Folder) -> None:
    tasks = {
        Task("photo.jpg", "starry-night.jpg", {"beta": beta}): f"{beta}.png" for beta in (5, 50)
    }
    for finished in bruno.run(tasks):
        finished.painting.save(tasks[finished.task])
    assert sorted(path.name for path in folder.path.glob("*.png")) == ["5.png", "50.png"]


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_notebooks_show_a_painting(format: str) -> None:
    data = picture("gold", format)
    painting = Painting(data, f"image/{format.lower()}", 64, 48, {})  # type: ignore[typeddict-item]
    shown = painting._repr_png_()
    assert (shown == data) == (format == "PNG")
    with Image.open(io.BytesIO(shown)) as image:
        assert (image.format, image.size) == ("PNG", (64, 48))
    assert Preview(1, 2, 64, 48, "image/jpeg", b"jpeg")._repr_jpeg_() == b"jpeg"


def test_a_server_tells_its_state_itself_or_by_its_description(
    scripted: Scripted, connect: Connect
) -> None:
    bruno = connect(scripted.url, token="mine")  # noqa: S106 - no secret
    assert bruno.state() == "ready"
    body = json.dumps({"health": "draining"}).encode()
    scripted.paths["/health"] = lambda reply: reply.whole(503, "application/json", body)
    assert bruno.state() == "draining"
    scripted.paths["/health"] = lambda reply: reply.whole(503, "text/html", b"<h1>no</h1>")
    assert bruno.state() == "ready"
    with pytest.raises(ConnectError, match="cannot be reached: connection refused"):
        connect("http://127.0.0.1:9", token="mine").state()  # noqa: S106 - no secret
