"""AsyncBruno, called as Bruno is: so that one set of tests serves both clients."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from bruno import AsyncBruno, Bruno, Event, Painting

PATIENCE = 60
_END: Any = object()


class Loop:
    """An event loop in a thread of its own."""

    def __enter__(self) -> Loop:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.wait(_end_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def wait(self, awaited: Coroutine[Any, Any, Any]) -> Any:
        """What comes of it, or is raised by it."""
        return asyncio.run_coroutine_threadsafe(awaited, self._loop).result(PATIENCE)

    def call(self, function: Callable[..., Any], *given: Any, **more: Any) -> Any:
        """What a function returns that is to be called in the loop's thread."""

        async def called() -> Any:
            return function(*given, **more)

        return self.wait(called())


async def _end_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


class Blocking:
    """An async iterator of the SDK, called as its twin is."""

    def __init__(self, loop: Loop, thing: Any) -> None:
        self._loop, self._thing = loop, thing

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        async def next_one() -> Any:
            return await anext(self._thing, _END)

        one = self._loop.wait(next_one())
        if one is _END:
            raise StopIteration
        return one

    def __enter__(self) -> Blocking:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._thing, name)

    def close(self) -> None:
        self._loop.wait(self._thing.aclose())

    def cancel(self) -> None:
        self._loop.call(self._thing.cancel)

    def change(self, *given: Any, **options: Any) -> None:
        self._loop.call(self._thing.change, *given, **options)

    def painting(self, on_event: Callable[[Event], None] | None = None) -> Painting:
        painting: Painting = self._loop.wait(self._thing.painting(on_event))
        return painting


class BlockingBruno:
    """AsyncBruno with the verbs of Bruno as they are."""

    def __init__(self, loop: Loop, *given: Any, **more: Any) -> None:
        self._loop = loop
        self._bruno = loop.call(AsyncBruno, *given, **more)

    def __enter__(self) -> BlockingBruno:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, verb: str) -> Any:
        thing = getattr(self._bruno, verb)
        if verb in ("paint", "health", "state", "wait_ready", "describe"):
            return lambda *given, **more: self._loop.wait(thing(*given, **more))
        if verb in ("stream", "batch", "run", "live"):
            return lambda *g, **more: Blocking(self._loop, self._loop.call(thing, *g, **more))
        return thing

    def close(self) -> None:
        self._loop.wait(self._bruno.aclose())


Connect = Callable[..., Bruno]
"""Makes a client: a Bruno, or an AsyncBruno in its clothes."""


def connecting(kind: str) -> Iterator[Connect]:
    """How clients of a kind are made."""
    if kind == "sync":
        yield Bruno
        return
    made: list[BlockingBruno] = []

    def make(*given: Any, **more: Any) -> Any:
        made.append(BlockingBruno(loop, *given, **more))
        return made[-1]

    with Loop() as loop:
        yield make
        for one in made:
            one.close()
