"""The course of one painting, without the network: what is sent, what came, when to try again."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

from bruno.errors import BrunoError, OutOfMemoryError, StreamBrokenError
from bruno.events import Event, read_event
from bruno.painting import Painting
from bruno.protocol.exchange import Outgoing
from bruno.protocol.request import Form
from bruno.protocol.retries import RETRIED, Attempt, Retries
from bruno.protocol.sse import EventDecoder

EVENTS: Final = "text/event-stream"

log = logging.getLogger("bruno")


class Course:
    """One painting from the first try to its end, whatever carries the bytes.

    A driver sends `outgoing()`, feeds `events` with the pieces of the answer until a Painting
    comes, and after whatever goes wrong pauses as `pause_after` tells, and asks again.
    """

    def __init__(self, url: str, form: Form, retries: Retries) -> None:
        self._url, self._retries = url, retries
        self._attempt = Attempt(form)
        self._decoder = EventDecoder()
        self._was_taken_in = False

    def outgoing(self) -> Outgoing:
        """What is to be sent now."""
        self._decoder = EventDecoder()
        return Outgoing(*self._attempt.form.encode(), EVENTS)

    def events(self, piece: bytes) -> Iterator[Event]:
        """The events that a piece of the answer completes; raises the problem that one carries."""
        for name, data in self._decoder.feed(piece):
            event = read_event(name, data)
            if event:
                self._was_taken_in = True
                self._attempt = self._attempt.after(event)
                yield self._attempt.sign(event) if isinstance(event, Painting) else event

    def broken_off(self) -> StreamBrokenError:
        """The error of an answer that ends before the painting."""
        return StreamBrokenError(f"{self._url} ended its answer before the painting")

    def pause_after(self, problem: BrunoError) -> float:
        """Seconds to wait before the next try; raises the problem where there is none."""
        if not self._is_retried(problem):
            raise problem
        before = self._attempt
        state = before.begun, before.has_gained, self._was_taken_in
        pause, left = self._retries.after(problem, *state)
        self._attempt = before.again()
        how = _how(before, self._attempt)
        log.warning("%s: trying again in %.1f s (%s), %s", problem, pause, left, how)
        return pause

    def _is_retried(self, problem: BrunoError) -> bool:
        # What fitted when it was taken in fits again once others have ended.
        lost_its_memory = isinstance(problem, OutOfMemoryError) and self._was_taken_in
        return lost_its_memory or isinstance(problem, RETRIED)


def _how(before: Attempt, now: Attempt) -> str:
    if now.resumes > before.resumes and now.from_preview:
        return f"from step {now.from_preview.step} of level {now.from_preview.level}"
    return "anew" if now.restarts > before.restarts else "as it was"
