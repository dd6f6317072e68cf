"""The events of one painting, across broken connections."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from types import TracebackType

from bruno.connection import Connection
from bruno.errors import BrunoError, StreamBrokenError
from bruno.events import Event, read_event
from bruno.leaving import Leaving
from bruno.painting import Painting
from bruno.request import Form
from bruno.retries import RETRIED, Attempt, pause_before, worth_retrying
from bruno.sse import EventDecoder


class Stream(Iterator[Event]):
    """The events of one painting, ending with the Painting; leaving it cancels the job.

    >>> from bruno import Bruno, Preview
    >>> with Bruno().stream("photo.jpg", "starry-night.jpg") as events:
    ...     for event in events:
    ...         if isinstance(event, Preview):
    ...             break
    >>> event.level, event.step
    (1, 25)
    """

    def __init__(self, connection: Connection, form: Form, retries: int) -> None:
        self._leaving = Leaving()
        self._events = _mended(connection, form, retries, self._leaving)
        self._turn = threading.Lock()

    def __next__(self) -> Event:
        """The next event; raises a BrunoError where the painting cannot be made."""
        with self._turn:
            return next(self._events)

    def __enter__(self) -> Stream:
        """The stream itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes it."""
        self.close()

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
        self._leaving.tell()


def _mended(
    connection: Connection, form: Form, retries: int, leaving: Leaving
) -> Generator[Event, None, None]:
    attempt, retry = Attempt(form), 0
    while not leaving.told:
        try:
            with closing(_events(connection, attempt.form, leaving)) as events:
                for event in events:
                    if leaving.told:
                        return
                    attempt = attempt.after(event)
                    if isinstance(event, Painting):
                        with suppress(BrunoError):
                            next(events, None)  # the end, so that nothing is left unread
                        yield attempt.sign(event)
                        return
                    yield event
            raise StreamBrokenError(f"{connection.url} ended its answer before the painting")
        except Exception as problem:
            if leaving.told:  # whatever a connection says that was broken on purpose
                return
            if not isinstance(problem, RETRIED):
                raise
            retry = 1 if attempt.has_gained else retry + 1
            if not worth_retrying(retry, retries, problem):
                raise
            attempt = attempt.again()
            leaving.wait(pause_before(retry, problem))


def _events(connection: Connection, form: Form, leaving: Leaving) -> Generator[Event, None, None]:
    body, content_type = form.encode()
    decoder = EventDecoder()
    with (
        leaving.call() as call,
        connection.post(body, content_type, "text/event-stream", call) as answer,
    ):
        for piece in connection.pieces(answer):
            for name, data in decoder.feed(piece):
                event = read_event(name, data)
                if event:
                    yield event
