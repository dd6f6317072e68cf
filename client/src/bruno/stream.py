"""The events of one painting, across broken connections."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress

from bruno.cancellation import Cancellation
from bruno.closing import Closing
from bruno.connection import Connection
from bruno.errors import BrunoError
from bruno.events import Event
from bruno.painting import Painting
from bruno.protocol.course import Course


class Stream(Iterator[Event], Closing):
    """The events of one painting, ending with the Painting; leaving it cancels the job.

    >>> from bruno import Bruno, Preview
    >>> with Bruno().stream("photo.jpg", "starry-night.jpg") as events:
    ...     for event in events:
    ...         if isinstance(event, Preview):
    ...             break
    >>> event.level, event.step
    (1, 25)
    """

    def __init__(self, connection: Connection, course: Course) -> None:
        self._cancellation = Cancellation()
        self._events = _mended(connection, course, self._cancellation)
        self._turn = threading.Lock()

    def __next__(self) -> Event:
        """The next event; raises a BrunoError where the painting cannot be made."""
        with self._turn:
            return next(self._events)

    def painting(self, on_event: Callable[[Event], None] | None = None) -> Painting:
        """The painting; `on_event` is told every event on the way to it.

        Raises BrunoError where the stream was canceled.
        """
        with self:
            for event in self:
                if on_event:
                    on_event(event)
                if isinstance(event, Painting):
                    return event
        raise BrunoError("the painting was canceled")

    def close(self) -> None:
        """Closes the connection, which cancels the job; the same as `cancel`."""
        self.cancel()
        # Whoever waits for the next event in another thread has been woken, and cleans up there.
        if self._turn.acquire(blocking=False):
            try:
                self._events.close()
            finally:
                self._turn.release()

    def cancel(self) -> None:
        """Ends the stream and its job at once; may be called from any thread.

        Another thread that waits for the next event meets the end of the stream.
        """
        self._cancellation.request()


def _mended(
    connection: Connection, course: Course, cancellation: Cancellation
) -> Generator[Event, None, None]:
    while not cancellation.is_requested:
        try:
            yield from _tried(connection, course, cancellation)
            return
        except Exception as problem:
            if cancellation.is_requested:  # whatever a connection says that was broken on purpose
                return
            if not isinstance(problem, BrunoError):
                raise
            cancellation.wait(course.pause_after(problem))


def _tried(
    connection: Connection, course: Course, cancellation: Cancellation
) -> Generator[Event, None, None]:
    painting = None
    with cancellation.call() as call, connection.post(course.outgoing(), call) as answer:
        events = _read(course, connection.pieces(answer))
        for event in events:
            if cancellation.is_requested:
                return
            if isinstance(event, Painting):
                painting = event
                with suppress(BrunoError):
                    next(events, None)  # the end, so that nothing is left unread
                break
            yield event
    if not painting:
        raise course.broken_off()
    yield painting  # whoever leaves now ends no connection that may be kept


def _read(course: Course, pieces: Iterator[bytes]) -> Iterator[Event]:
    for piece in pieces:
        yield from course.events(piece)
