"""One request on its way to its answer: what its client was told, and what is still to go out."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from bruno_service import messages
from bruno_service.origin import NOWHERE, Origin
from bruno_service.timeline import Timeline
from painter.engine.ledger import Hold
from painter.engine.mailbox import Mailbox
from painter.errors import PaintError
from painter.painting.progress import Painted, Preview, Progress

# Twice as often as promised, since a reply waits for the call that it ends.
HEARTBEAT_SECONDS: Final = 5.0
# How long a bare picture may be decoded before its status is committed: whoever waits for one
# hears nothing until it is there.
PATIENCE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of one answer; `status` and `headers` count where it is the first."""

    body: bytes
    first: bool
    last: bool
    status: int
    headers: Mapping[str, str]


@dataclass(slots=True, eq=False)
class Session:
    """One request; it is painted in its `mailbox`, is encoded, and is then `ended`.

    Nothing of its answer goes out before it is `decided` that it is good. `begun` says that a
    part has gone out, `heard` when that was last, in seconds of the service's clock, `is_closed`
    that all of it has or that its client has gone; `outcome` is finished, failed, refused,
    cancelled or described, and `code` that of its problem. Once it is painted on, it has a `size`
    (width and height), `steps` done and the `painted_seconds` that they took.
    """

    id: str
    started: float
    events: bool = False
    mailbox: Mailbox | None = None
    previewing: Future[Preview] | None = None
    encoding: Future[Painted] | None = None
    hold: Hold | None = None
    broken: bool = False
    accepted: bool = False
    decided: bool = False
    ended: bool = False
    begun: bool = False
    is_closed: bool = False
    outcome: str = ""
    code: str | None = None
    origin: Origin = NOWHERE
    timeline: Timeline = field(default_factory=Timeline)
    heard: float = field(init=False)
    _size: tuple[int, int] | None = None
    _progress: Progress | None = None
    _status: int = 200
    _headers: Mapping[str, str] = field(default_factory=dict)
    _outbox: bytearray = field(default_factory=bytearray)
    _position: int = 0
    _step: int = 0

    def __post_init__(self) -> None:
        self.heard = self.started

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of what is painted, None before that is decided."""
        if self.mailbox is None:
            return self._size
        height, width = self.mailbox.plan.shape
        return width, height

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        progress = self.mailbox.progress if self.mailbox else self._progress
        return progress.step if progress else 0

    @property
    def painted_seconds(self) -> float:
        """How long those steps took."""
        progress = self.mailbox.progress if self.mailbox else self._progress
        return progress.seconds if progress else 0.0

    @property
    def pending(self) -> int:
        """How many bytes are still to go out."""
        return len(self._outbox)

    @property
    def has_news(self) -> bool:
        """Whether something should go out soon."""
        return bool(self._outbox) or self.ended or (self.decided and not self.begun)

    def is_overdue(self, now: float) -> bool:
        """Whether its client should not be left without a word any longer."""
        return now >= self.started + (HEARTBEAT_SECONDS if self.events else PATIENCE_SECONDS)

    def open(self, media_type: str) -> None:
        """Says what the answer will be, before anything of it goes out."""
        self._headers = messages.event_headers() if self.events else messages.headers(media_type)

    def wait(self, position: int, now: float) -> None:
        """Tells the place in the queue, from 1, when it is new or a sign of life is due."""
        if self.events and (position != self._position or self._is_due(now)):
            self._outbox += messages.event("waiting", {"position": position})
        self._position = position
        self.decided = True

    def accept(self, painting: Mapping[str, Any]) -> None:
        """Begins to be painted."""
        if self.events:
            self._outbox += messages.event("accepted", {"request_id": self.id, **painting})
        self.accepted = self.decided = True

    def report(self, progress: Progress, now: float) -> None:
        """Tells the progress when it is new or a sign of life is due."""
        is_new = progress.step != self._step
        if self.events and (is_new or self._is_due(now)):
            self._outbox += messages.event("progress", progress.as_json())
            self._step = progress.step

    def show(self, preview: Preview) -> None:
        """Adds a preview."""
        self.timeline.mark("previewed")
        self._outbox += messages.event("preview", preview.as_json())

    def finish(self, painted: Painted) -> None:
        """Ends with the painting, or with what there is of it where it is `broken`."""
        self.timeline.mark("encoded")
        body = painted.data
        if self.events:
            members = {
                "media_type": painted.media_type,
                "width": painted.width,
                "height": painted.height,
                "record": painted.record,
            }
            body = messages.picture_event("painting", members, painted.data)
        self._end("failed" if self.broken else "finished", body)

    def fail(self, error: PaintError) -> None:
        """Ends with the problem: as the answer, as an event, or, in a picture, with nothing."""
        error = error if self.begun else messages.refusal(error)
        problem = messages.problem(error, self.id)
        if self.begun:
            self._end("failed", messages.event("error", problem) if self.events else b"")
        else:
            self._outbox.clear()
            self._status = error.status
            self._headers = messages.problem_headers(error)
            self._end("failed" if self.mailbox else "refused", messages.as_json(problem))
        self.code = error.code

    def describe(self, description: Mapping[str, Any]) -> None:
        """Ends with what the service can do."""
        self._headers = messages.headers(messages.JSON)
        self._end("described", messages.as_json(description))

    def take(self, most: int, now: float) -> Piece:
        """The next bytes of the answer, `most` at most."""
        piece = bytes(self._outbox[:most])
        del self._outbox[:most]
        first, self.begun = not self.begun, True
        if piece:
            self.heard = now
        last = self.ended and not self._outbox
        return Piece(piece, first, last, self._status, self._headers)

    def cancel(self) -> None:
        """Ends without a word: the client has gone."""
        self._end("cancelled", b"")

    def _end(self, outcome: str, body: bytes) -> None:
        self._outbox += body
        self.outcome = outcome
        self.ended = self.decided = True
        if self.mailbox is not None:
            self._size, self._progress = self.size, self.mailbox.progress
        for future in (self.previewing, self.encoding):
            if future is not None:
                future.cancel()
        self.mailbox = self.previewing = self.encoding = None

    def _is_due(self, now: float) -> bool:
        """Whether a sign of life is due; whatever is to go out is one."""
        return not self._outbox and now >= self.heard + HEARTBEAT_SECONDS
