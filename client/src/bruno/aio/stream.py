"""The events of one painting for asyncio, across broken connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from bruno.closing import AsyncClosing
from bruno.errors import BrunoError
from bruno.events import Event
from bruno.painting import Painting
from bruno.protocol.course import Course

if TYPE_CHECKING:
    from bruno.aio.connection import AsyncConnection

Begin = Callable[[], Awaitable[Course]]


class AsyncStream(AsyncIterator[Event], AsyncClosing):
    """The events of one painting, ending with the Painting; leaving it cancels the job.

    Its pictures are read when the first event is asked for.

    >>> import asyncio
    >>> from bruno import AsyncBruno, Preview
    >>> async def first_preview():
    ...     async with AsyncBruno() as bruno:
    ...         async with bruno.stream("photo.jpg", "starry-night.jpg") as events:
    ...             async for event in events:
    ...                 if isinstance(event, Preview):
    ...                     return event
    >>> asyncio.run(first_preview()).step
    25
    """

    def __init__(self, connection: AsyncConnection, begin: Begin) -> None:
        self._events = _mended(connection, begin)
        self._turn = asyncio.Lock()
        self._step: asyncio.Task[Event | None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._left = False

    async def __anext__(self) -> Event:
        """The next event; raises a BrunoError where the painting cannot be made."""
        async with self._turn:
            event = None if self._left else await self._next()
            if self._left:
                event = None
                await self._events.aclose()
        if event is None:
            raise StopAsyncIteration
        return event

    async def painting(self, on_event: Callable[[Event], None] | None = None) -> Painting:
        """The painting; `on_event` is told every event on the way to it.

        Raises BrunoError where the stream was canceled.
        """
        async with self:
            async for event in self:
                if on_event:
                    on_event(event)
                if isinstance(event, Painting):
                    return event
        raise BrunoError("the painting was canceled")

    async def aclose(self) -> None:
        """Closes the connection, which cancels the job, and waits until it is closed."""
        self.cancel()
        await self._closed()

    def cancel(self) -> None:
        """Ends the stream and its job at once; to be called in the event loop's thread.

        Another task that waits for the next event meets the end of the stream.
        """
        self._left = True
        if self._step:
            self._step.cancel()
        elif not self._closing:
            self._closing = asyncio.create_task(self._closed())

    async def _closed(self) -> None:
        async with self._turn:
            await self._events.aclose()

    async def _next(self) -> Event | None:
        # A task of its own can be canceled without canceling whoever waits for it.
        self._step = asyncio.create_task(_one(self._events))
        try:
            return await self._step
        except asyncio.CancelledError:
            waiting = asyncio.current_task()
            if self._left and not (waiting and waiting.cancelling()):
                return None
            raise
        finally:
            self._step = None


async def _one(events: AsyncGenerator[Event, None]) -> Event | None:
    return await anext(events, None)


async def _mended(connection: AsyncConnection, begin: Begin) -> AsyncGenerator[Event, None]:
    course = await begin()
    while True:
        try:
            async with aclosing(_tried(connection, course)) as events:
                async for event in events:
                    yield event
            return
        except BrunoError as problem:
            pause = course.pause_after(problem)
        await asyncio.sleep(pause)


async def _tried(connection: AsyncConnection, course: Course) -> AsyncGenerator[Event, None]:
    painting = None
    posted = connection.post(course.outgoing())
    async with posted as pieces, aclosing(_read(course, pieces)) as events:
        async for event in events:
            if isinstance(event, Painting):
                painting = event
                with suppress(BrunoError):
                    await anext(events, None)  # the end, so that nothing is left unread
                break
            yield event
    if not painting:
        raise course.broken_off()
    yield painting


async def _read(course: Course, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[Event, None]:
    async with aclosing(pieces):
        async for piece in pieces:
            for event in course.events(piece):
                yield event
