"""A painting that is talked to while it forms, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Unpack

from bruno.aio.stream import AsyncStream
from bruno.closing import AsyncClosing
from bruno.events import Event
from bruno.inputs import Picture
from bruno.options import Request, with_options
from bruno.painting import Painting
from bruno.protocol.live_state import LiveState
from bruno.tasks import Task


class AsyncLive(AsyncIterator[Event], AsyncClosing):
    """The events of a painting, which goes on from its canvas whenever an option changes.

    What is said of Live holds here; `change` and `cancel` are called in the event loop's thread.

    >>> import asyncio
    >>> from bruno import AsyncBruno, Preview
    >>> async def main():
    ...     async with AsyncBruno() as bruno:
    ...         async with bruno.live("photo.jpg", "starry-night.jpg") as live:
    ...             async for event in live:
    ...                 if isinstance(event, Preview) and event.step == 25:
    ...                     live.change(beta=80)
    ...                     return (await live.painting()).record["options"]["beta"]
    >>> asyncio.run(main())
    80
    """

    def __init__(self, open_stream: Callable[[Task], AsyncStream], state: LiveState) -> None:
        self._open, self._state = open_stream, state
        self._stream: AsyncStream | None = None
        self._left = False
        self._turn = asyncio.Lock()

    async def __anext__(self) -> Event:
        """The next event; raises a BrunoError where the painting cannot be made."""
        async with self._turn:
            while stream := await self._running():
                try:
                    event = await anext(stream, None)
                except BaseException:
                    self._stream = None
                    await stream.aclose()
                    raise
                if event:
                    self._state.note(event)
                    if isinstance(event, Painting):
                        self._stream = None
                    return event
                self._stream = None  # it was ended by a change, or by leaving
        raise StopAsyncIteration

    @property
    def canvas(self) -> bytes | None:
        """The last canvas as the bytes of a file, a preview or a painting; None before it."""
        return self._state.canvas

    @with_options
    def change(
        self, style: Picture | Sequence[Picture] | None = None, **options: Unpack[Request]
    ) -> None:
        """Ends what runs, and starts the next painting from its canvas, as `Live.change` does."""
        self._state.change(style, options)
        if self._stream:
            self._stream.cancel()

    async def painting(self, on_event: Callable[[Event], None] | None = None) -> Painting | None:
        """The next finished painting, and the live one stays open; None once it is left."""
        async for event in self:
            if on_event:
                on_event(event)
            if isinstance(event, Painting):
                return event
        return None

    async def aclose(self) -> None:
        """Ends what runs, for good, and waits until it has ended."""
        running = self._stream
        self.cancel()
        if running:
            await running.aclose()

    def cancel(self) -> None:
        """Ends what runs, for good."""
        self._left = True
        if self._stream:
            self._stream.cancel()

    async def _running(self) -> AsyncStream | None:
        """The stream to be read: the next one where a change asks for it."""
        if self._left:
            return None
        if task := self._state.next_task():
            if self._stream:
                await self._stream.aclose()
            if self._left:  # meanwhile
                return None
            self._stream = self._open(task)
        return self._stream
