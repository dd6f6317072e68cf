"""Many paintings for asyncio, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial

from bruno.aio.stream import AsyncStream
from bruno.batch import OnEvent
from bruno.closing import AsyncClosing
from bruno.errors import AuthenticationError, BrunoError
from bruno.painting import Painting
from bruno.tasks import Failed, Finished, Outcome, Roll, Task

Open = Callable[[Task], AsyncStream]


class AsyncBatch(AsyncIterator[Finished], AsyncClosing):
    """The paintings of many tasks as they finish; leaving it cancels those that run.

    What went wrong is kept apart in `failures`, as a Batch does.

    >>> import asyncio
    >>> from bruno import AsyncBruno
    >>> async def paint_two():
    ...     async with AsyncBruno() as bruno:
    ...         batch = bruno.batch(["photo.jpg", "no-photo.jpg"], ["starry-night.jpg"])
    ...         async for finished in batch:
    ...             print(finished.task.content, finished.painting.width)
    ...         print(len(batch.failures), "failed")
    >>> asyncio.run(paint_two())
    photo.jpg 64
    1 failed
    """

    def __init__(
        self,
        open_stream: Open,
        tasks: Sequence[Task],
        at_once: int,
        is_locked_out: Callable[[], Awaitable[bool]],
        on_event: OnEvent | None = None,
    ) -> None:
        self._roll = Roll(tasks)
        self.failures = self._roll.failures
        self._crew = _Crew(open_stream, is_locked_out, on_event, self._roll, at_once)
        self._unread = self._roll.count

    async def __anext__(self) -> Finished:
        """The next painting that is finished."""
        while self._unread:
            self._unread -= 1  # before it is there: others may wait beside this one
            outcome = await self._crew.outcome()
            if outcome is None:
                break
            try:
                finished = self._roll.painting_of(outcome)
            except BaseException:
                await self.aclose()
                raise
            if finished:
                return finished
        self._unread = 0
        raise StopAsyncIteration

    def __del__(self) -> None:
        """Ends what runs where nobody closed it."""
        self._crew.cancel()

    async def aclose(self) -> None:
        """Drops what waits, ends what runs, and waits until it has ended."""
        self.cancel()
        await self._crew.ended()

    def cancel(self) -> None:
        """Drops what waits and ends what runs; to be called in the event loop's thread."""
        self._unread = 0
        self._crew.cancel()


class _Crew:
    """The tasks of asyncio that paint: they take what waits, and put down what came of it."""

    def __init__(
        self,
        open_stream: Open,
        is_locked_out: Callable[[], Awaitable[bool]],
        on_event: OnEvent | None,
        roll: Roll,
        at_once: int,
    ) -> None:
        self._open, self._is_locked_out, self._on_event = open_stream, is_locked_out, on_event
        self._roll, self._at_once = roll, at_once
        self._done: asyncio.Queue[Outcome | None] = asyncio.Queue()
        self._workers: list[asyncio.Task[None]] | None = None

    async def outcome(self) -> Outcome | None:
        """What came of the next task that ends; None once all are left."""
        if self._workers is None:
            count = min(self._at_once, self._roll.count)
            self._workers = [asyncio.create_task(self._work()) for _ in range(count)]
        return await self._done.get()

    def cancel(self) -> None:
        """Ends what runs, and wakes whoever waits for an outcome."""
        workers, self._workers = self._workers or [], self._workers or []
        for worker in workers:
            if not worker.get_loop().is_closed():
                worker.cancel()
        self._done.put_nowait(None)

    async def ended(self) -> None:
        """Waits until nothing runs."""
        await asyncio.gather(*self._workers or [], return_exceptions=True)

    async def _work(self) -> None:
        for task in self._roll.waiting():
            try:
                self._done.put_nowait(Finished(task, await self._paint(task)))
            except BrunoError as error:
                self._done.put_nowait(Failed(task, error))
                if isinstance(error, AuthenticationError) and await self._is_locked_out():
                    for unsent in self._roll.waiting():
                        self._done.put_nowait(Failed(unsent, error))
            except Exception as defect:  # raised again where the batch is read
                self._done.put_nowait(defect)

    async def _paint(self, task: Task) -> Painting:
        return await self._open(task).painting(self._on_event and partial(self._on_event, task))
