"""Many paintings, a few at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from itertools import takewhile

from bruno.closing import Closing
from bruno.errors import AuthenticationError, BrunoError
from bruno.events import Event
from bruno.painting import Painting
from bruno.stream import Stream
from bruno.tasks import Failed, Finished, Outcome, Roll, Task

Open = Callable[[Task], Stream]
OnEvent = Callable[[Task, Event], None]


class Batch(Iterator[Finished], Closing):
    """The paintings of many tasks as they finish; leaving it cancels those that run.

    What went wrong is kept apart in `failures`, and disturbs no other task; but where the server
    refuses the token itself, nothing more is sent, and all that was not begun has failed.

    >>> from bruno import Bruno
    >>> batch = Bruno().batch(["photo.jpg", "no-photo.jpg"], ["starry-night.jpg"])
    >>> for finished in batch:
    ...     print(finished.task.content, finished.painting.width)
    photo.jpg 64
    >>> for failed in batch.failures:
    ...     print(failed.error)
    content: no-photo.jpg cannot be read: No such file or directory
    """

    def __init__(
        self,
        open_stream: Open,
        tasks: Sequence[Task],
        at_once: int,
        is_locked_out: Callable[[], bool],
        on_event: OnEvent | None = None,
    ) -> None:
        roll = Roll(tasks)
        self.failures = roll.failures
        self._crew = _Crew(open_stream, is_locked_out, on_event, roll)
        self._results = _results(self._crew, at_once, roll)
        self._turn = threading.Lock()

    def __next__(self) -> Finished:
        """The next painting that is finished."""
        with self._turn:
            return next(self._results)

    def close(self) -> None:
        """Drops what waits and ends what runs, at once; may be called from any thread."""
        self._crew.leave()
        # Whoever waits for the next painting in another thread has been woken.
        if self._turn.acquire(blocking=False):
            try:
                self._results.close()
            finally:
                self._turn.release()


class _Crew:
    """The threads that paint: they take what waits, and put down what came of it."""

    def __init__(
        self,
        open_stream: Open,
        is_locked_out: Callable[[], bool],
        on_event: OnEvent | None,
        roll: Roll,
    ) -> None:
        self._open, self._is_locked_out, self._on_event = open_stream, is_locked_out, on_event
        self._roll = roll
        self._done: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        self._running: set[Stream] = set()
        self._left = threading.Event()

    def outcomes(self, at_once: int) -> Iterator[Outcome]:
        """What came of every task, as it ends, until the crew leaves."""
        for _ in range(min(at_once, self._roll.count)):
            threading.Thread(target=self._work, daemon=True).start()
        for _ in range(self._roll.count):
            outcome = self._done.get()
            if self._left.is_set() or outcome is None:
                return
            yield outcome

    def leave(self) -> None:
        """Ends what runs, and wakes whoever waits for an outcome."""
        self._left.set()
        for stream in self._running.copy():
            stream.cancel()
        self._done.put(None)

    def _work(self) -> None:
        for task in self._tasks():
            try:
                self._done.put(Finished(task, self._paint(task)))
            except BrunoError as error:
                self._done.put(Failed(task, error))
                if isinstance(error, AuthenticationError) and self._is_locked_out():
                    for unsent in self._tasks():
                        self._done.put(Failed(unsent, error))
            except Exception as defect:  # raised again where the batch is read
                self._done.put(defect)

    def _paint(self, task: Task) -> Painting:
        stream = self._open(task)
        self._running.add(stream)
        if self._left.is_set():
            stream.cancel()
        try:
            return stream.painting(self._on_event and partial(self._on_event, task))
        finally:
            self._running.discard(stream)

    def _tasks(self) -> Iterator[Task]:
        return takewhile(lambda _: not self._left.is_set(), self._roll.waiting())


def _results(crew: _Crew, at_once: int, roll: Roll) -> Generator[Finished, None, None]:
    try:
        for outcome in crew.outcomes(at_once):
            if finished := roll.painting_of(outcome):
                yield finished
    finally:
        crew.leave()
