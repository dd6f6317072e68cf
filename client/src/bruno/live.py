"""A painting that is talked to while it forms."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Unpack

from bruno.closing import Closing
from bruno.events import Event
from bruno.inputs import Picture
from bruno.options import Request, with_options
from bruno.painting import Painting
from bruno.protocol.live_state import LiveState
from bruno.stream import Stream
from bruno.tasks import Task


class Live(Iterator[Event], Closing):
    """The events of a painting, which goes on from its canvas whenever an option changes.

    Iterating ends with the Painting. After a further `change` it can be iterated again, and goes
    on from there; so it does after an error. Leaving the `with` cancels what runs.

    >>> from bruno import Bruno, Preview
    >>> with Bruno().live("photo.jpg", "starry-night.jpg", beta=5) as live:
    ...     preview = next(event for event in live if isinstance(event, Preview))
    ...     live.change(beta=50)
    ...     live.painting().record["options"]["beta"]
    ...     live.change(color="luminance")
    ...     live.painting().record["options"]["color"]
    50
    'luminance'
    """

    def __init__(self, open_stream: Callable[[Task], Stream], state: LiveState) -> None:
        self._open, self._state = open_stream, state
        self._stream: Stream | None = None
        self._left = False
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    def __next__(self) -> Event:
        """The next event; raises a BrunoError where the painting cannot be made."""
        with self._turn:
            while stream := self._running():
                try:
                    event = next(stream, None)
                except BaseException:
                    self._stream = None
                    raise
                if event:
                    self._note(event)
                    return event
                self._stream = None  # it was ended by a change, or by leaving
        raise StopIteration

    @property
    def canvas(self) -> bytes | None:
        """The last canvas as the bytes of a file, a preview or a painting; None before it."""
        return self._state.canvas

    @with_options
    def change(
        self, style: Picture | Sequence[Picture] | None = None, **options: Unpack[Request]
    ) -> None:
        """Ends what runs, and starts the next painting from its canvas; from any thread.

        What is not named stays as it is, `style` too. The canvas keeps its detail: the next
        painting begins at the level where it was last seen, and where size, levels or preset
        change, at the coarsest.
        """
        with self._lock:
            self._state.change(style, options)
            running = self._stream
        if running:
            running.cancel()

    def painting(self, on_event: Callable[[Event], None] | None = None) -> Painting | None:
        """The next finished painting, and the live one stays open; None once it is left."""
        for event in self:
            if on_event:
                on_event(event)
            if isinstance(event, Painting):
                return event
        return None

    def close(self) -> None:
        """Ends what runs, for good; may be called from any thread."""
        with self._lock:
            self._left = True
            running = self._stream
        if running:
            running.close()

    cancel = close

    def _running(self) -> Stream | None:
        """The stream to be read: the next one where a change asks for it."""
        with self._lock:
            if self._left:
                return None
            task, before = self._state.next_task(), self._stream
            if not task:
                return before
            self._stream = None
        if before:
            before.close()
        stream = self._open(task)
        with self._lock:
            self._stream = stream
            if self._left or self._state.is_asked:  # meanwhile
                stream.cancel()
        return stream

    def _note(self, event: Event) -> None:
        with self._lock:
            self._state.note(event)
            if isinstance(event, Painting):
                self._stream = None
