"""A painting whose options change while its canvas goes on."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from bruno import Accepted, Bruno, OutOfRangeError, Painting, Preview, Progress

from .both import Connect
from .conftest import Folder
from .scripted_server import Reply, Scripted, accepted, paint, picture, preview, progress


def previews_then_waits(reply: Reply) -> None:
    reply.start()
    reply.say(accepted(reply.received) + progress(25) + preview(25))
    reply.wait_for_the_client_to_leave()


def until(live: Iterable[Any], kind: type) -> Any:
    return next(event for event in live if isinstance(event, kind))


def resumed(reply: Any) -> Any:
    return reply.options.get("resume")


def test_a_change_goes_on_from_the_last_canvas(
    bruno: Bruno, scripted: Scripted, folder: Folder
) -> None:
    scripted.script = [previews_then_waits]
    with bruno.live("photo.jpg", "starry-night.jpg", alpha=2, init="noise") as live:
        assert live.canvas is None
        until(live, Preview)
        assert live.canvas == picture("navy", "JPEG")
        live.change(beta=50)
        assert scripted.left.wait(20)
        painting = until(live, Painting)
        assert list(live) == []
    assert painting.record["options"]["beta"] == 50
    first, second = scripted.requests
    assert (first.options["alpha"], second.options["alpha"]) == (2, 2)
    assert "beta" not in first.options
    assert "canvas" not in first.fields
    assert first.options["init"] == "noise"
    # The canvas decides now, at the level where it was seen, from that level's first step.
    assert "init" not in second.options
    assert second.fields["canvas"] == picture("navy", "JPEG")
    assert resumed(second) == {"level": 1, "step": 0}
    assert second.fields["content"] == first.fields["content"] == folder.photo.read_bytes()


def test_a_finished_painting_is_gone_on_from(
    bruno: Bruno, scripted: Scripted, folder: Folder
) -> None:
    with bruno.live("photo.jpg", "starry-night.jpg") as live:
        first = live.painting()
        assert first is not None
        assert list(live) == []
        live.change(beta=80)
        live.change(color="luminance")
        second = live.painting()
        assert second is not None
        assert {"beta": 80, "color": "luminance"}.items() <= second.record["options"].items()
        assert live.canvas == second.data
    assert len(scripted.requests) == 2
    assert scripted.requests[1].fields["canvas"] == first.data
    assert resumed(scripted.requests[1]) == {"level": 1, "step": 0}


def test_another_size_begins_at_the_coarsest_level(
    bruno: Bruno, scripted: Scripted, folder: Folder
) -> None:
    with bruno.live("photo.jpg", "starry-night.jpg", beta=5) as live:
        live.painting()
        live.change(size=1024, beta=None)
        live.painting()
    second = scripted.requests[1]
    assert second.options["size"] == 1024
    assert "canvas" in second.fields
    assert "resume" not in second.fields
    assert "beta" not in second.fields  # the server decides again


def test_another_style(bruno: Bruno, scripted: Scripted, folder: Folder) -> None:
    with bruno.live("photo.jpg", "starry-night.jpg") as live:
        live.painting()
        live.change(["starry-night.jpg", picture("pink")], style_weights=[1, 2])
        live.painting()
    fields = scripted.requests[1].fields
    assert fields["style_2"] == picture("pink")
    assert json.loads(fields["style_weights"]) == [1, 2]


def test_an_error_is_gone_on_from(bruno: Bruno, scripted: Scripted, folder: Folder) -> None:
    with bruno.live("photo.jpg", "starry-night.jpg") as live:
        live.painting()
        live.change(alpha=-1)
        with pytest.raises(OutOfRangeError):
            live.painting()
        assert live.painting() is None
        live.change(alpha=3)
        painting = live.painting()
    assert painting is not None
    assert painting.record["options"]["alpha"] == 3
    assert "canvas" in scripted.requests[2].fields


def test_pictures_are_read_once(bruno: Bruno, scripted: Scripted, folder: Folder) -> None:
    url = f"{scripted.url}/picture.png"
    with folder.photo.open("rb") as photo, bruno.live(photo, url) as live:
        for beta in (1, 2, 3):
            live.change(beta=beta)
            live.painting()
    assert scripted.fetched == ["/picture.png"]
    assert len({received.fields["content"] for received in scripted.requests}) == 1


@pytest.mark.parametrize("verb", ["change", "close", "cancel"])
def test_another_thread_may_change_or_leave_it(
    verb: str, connect: Connect, scripted: Scripted, folder: Folder
) -> None:
    scripted.script = [previews_then_waits]
    live = connect(timeout=(5, 300)).live("photo.jpg", "starry-night.jpg")
    seen, events = threading.Event(), []

    def follow() -> None:
        for event in live:
            events.append(event)
            if isinstance(event, Preview):
                seen.set()

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    assert seen.wait(20)
    if verb == "change":
        live.change(beta=50)
    else:
        getattr(live, verb)()
    follower.join(20)
    assert not follower.is_alive()
    assert scripted.left.wait(20)
    kinds = [type(event) for event in events]
    assert kinds[:1] + kinds[-1:] == [Accepted, Painting if verb == "change" else Preview]
    assert len(scripted.requests) == 1 + (verb == "change")


def test_leaving_ends_it_for_good(bruno: Bruno, scripted: Scripted, folder: Folder) -> None:
    scripted.script = [previews_then_waits, paint]
    live = bruno.live("photo.jpg", "starry-night.jpg")
    until(live, Progress)
    live.close()
    assert scripted.left.wait(20)
    live.change(beta=50)
    assert list(live) == []
    assert live.painting() is None
    assert len(scripted.requests) == 1
