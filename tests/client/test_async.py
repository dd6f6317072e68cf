"""What only AsyncBruno has: its session, its event loop, and the library that may be missing."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

import httpx2
import pytest

from bruno import (
    Accepted,
    AsyncBruno,
    AsyncLive,
    InvalidInputError,
    Painting,
    Preview,
    Progress,
    Waiting,
)
from bruno.protocol.live_state import LiveState

from .conftest import Folder
from .scripted_server import Reply, Scripted, accepted, paint, preview


def run(awaited: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(awaited, 60))


def test_a_session_of_ones_own(scripted: Scripted, folder: Folder) -> None:
    async def main() -> None:
        headers, auth = {"X-Studio": "north light"}, ("painter", "secret")
        async with httpx2.AsyncClient(headers=headers, auth=auth) as session:
            async with AsyncBruno(session=session) as bruno:
                await bruno.paint("photo.jpg", "starry-night.jpg")
            async with AsyncBruno(session=session, token="mine") as bruno:  # noqa: S106
                await bruno.health()
            assert (await session.get(f"{scripted.url}/picture.png")).is_success  # it stays open

    run(main())
    first, second = (
        {name.lower(): value for name, value in received.headers.items()}
        for received in scripted.requests
    )
    assert first["x-studio"] == second["x-studio"] == "north light"
    assert first["authorization"].startswith("Basic ")
    assert second["authorization"] == "Bearer mine"


def test_a_session_of_another_kind_is_told() -> None:
    with pytest.raises(InvalidInputError, match="must be an httpx2.AsyncClient, got httpx2.Client"):
        AsyncBruno(session=httpx2.Client())  # type: ignore[arg-type]


def test_without_httpx2_it_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    monkeypatch.delitem(sys.modules, "bruno.aio.connection", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"pip install './client\[async\]'"):
        AsyncBruno()


def test_it_does_not_hold_up_the_event_loop(scripted: Scripted, folder: Folder) -> None:
    """Many paintings wait for their answers together, in one thread."""
    count = 6
    together = []

    async def main() -> list[Painting]:
        async with AsyncBruno() as bruno:
            paintings = (
                bruno.paint("photo.jpg", "starry-night.jpg", seed=seed) for seed in range(count)
            )
            return await asyncio.gather(*paintings)

    def waits_for_all(reply: Reply) -> None:
        together.append(reply)
        while len(together) < count:
            reply.server.begun.wait(0.01)
        paint(reply)

    scripted.script = [waits_for_all] * count
    assert [painting.seed for painting in run(main())] == list(range(count))


def one_preview_then_wait(reply: Reply) -> None:
    reply.start()
    reply.say(accepted(reply.received) + preview(1))
    reply.wait_for_the_client_to_leave()


@pytest.mark.parametrize("way", ["cancel the task", "time out", "leave the loop"])
def test_the_ways_of_asyncio_cancel_the_job(way: str, scripted: Scripted, folder: Folder) -> None:
    async def main() -> None:
        seen = asyncio.Event()

        def see(event: object) -> None:
            if isinstance(event, Preview):
                seen.set()

        async with AsyncBruno(timeout=(5, 300)) as bruno:
            stream = bruno.stream("photo.jpg", "starry-night.jpg")
            if way == "leave the loop":
                async for event in stream:
                    if isinstance(event, Preview):
                        break
                await stream.aclose()
            elif way == "time out":
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(stream.painting(see), 0.5)
            else:
                task = asyncio.create_task(stream.painting(see))
                await seen.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert await asyncio.to_thread(scripted.left.wait, 20)
            assert [event async for event in stream] == []

    scripted.script = [one_preview_then_wait]
    run(main())


@pytest.mark.parametrize("way", ["aclose", "cancel", "drop it"])
def test_a_batch_that_is_left_ends_its_tasks(way: str, scripted: Scripted, folder: Folder) -> None:
    async def main() -> None:
        async with AsyncBruno(timeout=(5, 300)) as bruno:
            batch = bruno.batch(["photo.jpg"] * 5, ["starry-night.jpg"], at_once=1)
            assert (await anext(batch)).painting.width == 64
            assert await asyncio.to_thread(scripted.begun.wait, 20)
            if way == "aclose":
                await batch.aclose()
                assert [finished async for finished in batch] == []
            elif way == "cancel":
                batch.cancel()
            del batch
            assert await asyncio.to_thread(scripted.left.wait, 20)

    def silent(reply: Reply) -> None:
        scripted.begun.set()
        reply.wait_for_the_client_to_leave()

    scripted.script = [paint, silent]
    run(main())
    assert len(scripted.requests) == 2


def test_events_are_the_same(scripted: Scripted, folder: Folder) -> None:
    async def main() -> list[type]:
        async with AsyncBruno() as bruno:
            stream = bruno.stream("photo.jpg", "starry-night.jpg")
            return [type(event) async for event in stream][1:]

    assert run(main()) == [Accepted, *[Progress, Preview] * 4, Painting]


class Held:
    """A stream that waits, and closes when it may."""

    def __init__(self) -> None:
        self.closing, self.may_close = asyncio.Event(), asyncio.Event()

    async def __anext__(self) -> Waiting:
        return Waiting(1)

    def cancel(self) -> None: ...

    async def aclose(self) -> None:
        self.closing.set()
        await self.may_close.wait()


def test_who_leaves_between_two_paintings_begins_no_other() -> None:
    async def main() -> None:
        opened: list[Any] = []
        live = AsyncLive(lambda task: opened.append(Held()) or opened[-1], LiveState(b"", b"", {}))
        await anext(live)
        live.change(beta=50)
        follower = asyncio.create_task(anext(live, None))
        await opened[0].closing.wait()
        live.cancel()
        opened[0].may_close.set()
        assert await follower is None
        assert len(opened) == 1

    run(main())
