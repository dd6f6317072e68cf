"""One request on its way to its answer: what its client was told, and what is still to go out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

import answers
from painter.errors import PaintError
from painter.job import Job
from painter.progress import Painted

# Twice as often as promised, since a reply waits for the slice that it ends.
HEARTBEAT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A piece of one answer; `status` and `headers` count where it is the first."""

    body: bytes
    first: bool
    last: bool
    status: int
    headers: Mapping[str, str]


@dataclass(slots=True, eq=False)
class Order:
    """One request; it waits, is painted as its `job`, is encoded, and is then `ended`.

    `begun` says that a part of the answer has gone out, `heard` when that was last, in seconds
    of the desk's clock; `outcome` is finished, failed, refused, cancelled or described.
    """

    id: str
    started: float
    events: bool = False
    job: Job | None = None
    encoding: Future[Painted] | None = None
    ended: bool = False
    begun: bool = False
    outcome: str = ""
    heard: float = field(init=False)
    _about: str = ""
    _status: int = 200
    _headers: Mapping[str, str] = field(default_factory=dict)
    _outbox: bytearray = field(default_factory=bytearray)
    _position: int = 0
    _step: int = 0
    _previewed: float = -math.inf

    def __post_init__(self) -> None:
        self.heard = self.started

    @property
    def pending(self) -> int:
        """How many bytes are still to go out."""
        return len(self._outbox)

    def open(self, media_type: str) -> None:
        """Says what the answer will be, before anything of it goes out."""
        self._headers = answers.event_headers() if self.events else answers.headers(media_type)

    def wait(self, position: int, now: float) -> None:
        """Tells the place in the line, from 1, when it is new or a sign of life is due."""
        if self.events and (position != self._position or self._is_due(now)):
            self._outbox += answers.event("waiting", {"position": position})
        self._position = position

    def accept(self, job: Job) -> None:
        """Begins to be painted."""
        self.job = job
        if self.events:
            self._tell_accepted(job)

    def report(self, job: Job, now: float) -> None:
        """Tells the progress since the last report, and shows a preview when it is due."""
        is_new = job.progress.step != self._step
        if not self.events or not (is_new or self._is_due(now)):
            return
        self._outbox += answers.event("progress", job.progress.as_json())
        every = job.options.preview_every
        if every and is_new and not job.finished and now >= self._previewed + every:
            self._outbox += answers.event("preview", job.preview().as_json())
            self._previewed = now
        self._step = job.progress.step

    def finish(self, job: Job, painted: Painted) -> None:
        """Ends with the painting."""
        body = painted.data
        if self.events:
            told = {
                "media_type": painted.media_type,
                "width": painted.width,
                "height": painted.height,
                "record": painted.record,
            }
            body = answers.picture_event("painting", told, painted.data)
        self._end("failed" if job.error else "finished", body)

    def fail(self, error: PaintError) -> None:
        """Ends with the problem: as the answer, as an event, or, in a picture, with nothing."""
        told = answers.problem(error, self.id)
        if self.begun:
            self._end("failed", answers.event("error", told) if self.events else b"")
        else:
            self._outbox.clear()
            self._status = error.status
            self._headers = answers.problem_headers(error)
            self._end("failed" if self.job else "refused", answers.as_json(told))
        self._about = f"{error.code}, {self._about}"

    def describe(self, description: Mapping[str, Any]) -> None:
        """Ends with what the service can do."""
        self._headers = answers.headers(answers.JSON)
        self._end("described", answers.as_json(description))

    def take(self, most: int, now: float) -> Reply:
        """The next bytes of the answer, `most` at most."""
        piece = bytes(self._outbox[:most])
        del self._outbox[:most]
        first, self.begun = not self.begun, True
        if piece:
            self.heard = now
        last = self.ended and not self._outbox
        return Reply(piece, first, last, self._status, self._headers)

    def summary(self, now: float) -> str:
        """How it went, in one line."""
        return f"{self.id} {self.outcome}: {self._about}{now - self.started:.1f} s"

    def cancel(self) -> None:
        """Ends without a word: the client has gone."""
        self._end("cancelled", b"")

    def _end(self, outcome: str, body: bytes) -> None:
        self._outbox += body
        self.outcome = outcome
        self.ended = True
        if self.job:
            size = f"{self.job.accepted['width']}x{self.job.accepted['height']} px"
            self._about = f"{size}, {self.job.progress.step} steps, "
        self.job = self.encoding = None

    def _tell_accepted(self, job: Job) -> None:
        self._outbox += answers.event("accepted", {"request_id": self.id, **job.accepted})

    def _is_due(self, now: float) -> bool:
        return now >= self.heard + HEARTBEAT_SECONDS
