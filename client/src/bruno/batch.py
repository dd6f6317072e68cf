"""Many paintings, a few at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType

from bruno.errors import BrunoError
from bruno.inputs import Picture
from bruno.options import Request
from bruno.painting import Painting
from bruno.stream import Stream


@dataclass(frozen=True)
class Task:
    """One painting to be made."""

    content: Picture
    style: Picture | Sequence[Picture]
    options: Request


@dataclass(frozen=True)
class Finished:
    """A task and its painting."""

    task: Task
    painting: Painting


@dataclass(frozen=True)
class Failed:
    """A task and what went wrong with it."""

    task: Task
    error: BrunoError


Open = Callable[[Task, threading.Event], Stream]
Outcome = Finished | Failed | Exception


class Batch(Iterator[Finished]):
    """The paintings of many tasks as they finish; leaving it cancels those that run.

    What went wrong is kept apart in `failures`, and disturbs no other task.

    >>> from bruno import Bruno
    >>> batch = Bruno().batch(["photo.jpg", "no-photo.jpg"], ["starry-night.jpg"])
    >>> for finished in batch:
    ...     print(finished.task.content, finished.painting.width)
    photo.jpg 64
    >>> for failed in batch.failures:
    ...     print(failed.error)
    content: no-photo.jpg cannot be read: No such file or directory
    """

    def __init__(self, open_stream: Open, tasks: Sequence[Task], at_once: int) -> None:
        self.failures: list[Failed] = []
        self._results = self._run(open_stream, tasks, at_once)

    def __next__(self) -> Finished:
        """The next painting that is finished."""
        return next(self._results)

    def __enter__(self) -> Batch:
        """The batch itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes it."""
        self.close()

    def close(self) -> None:
        """Drops what waits, and ends what runs at its next event."""
        self._results.close()

    def _run(
        self, open_stream: Open, tasks: Sequence[Task], at_once: int
    ) -> Generator[Finished, None, None]:
        waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
        done: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        left = threading.Event()
        for task in tasks:
            waiting.put(task)
        for _ in range(min(at_once, len(tasks))):
            work = (open_stream, waiting, done, left)
            threading.Thread(target=_work, args=work, daemon=True).start()
        try:
            for _ in tasks:
                outcome = done.get()
                if isinstance(outcome, Finished):
                    yield outcome
                elif isinstance(outcome, Failed):
                    self.failures.append(outcome)
                else:
                    raise outcome
        finally:
            left.set()


def _work(
    open_stream: Open,
    waiting: queue.SimpleQueue[Task],
    done: queue.SimpleQueue[Outcome],
    left: threading.Event,
) -> None:
    while not left.is_set():
        try:
            task = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            done.put(Finished(task, open_stream(task, left).painting()))
        except BrunoError as error:
            done.put(Failed(task, error))
        except Exception as defect:  # raised again where the batch is read
            done.put(defect)
