"""What each call of a server takes in and hands out.

A server calls `Desk.serve` again and again with all requests that it holds, and hands on what
it gets back. Nothing here knows which server that is, and nothing here computes: that is done
by the workshop's threads.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bruno_service.description import describe_service
from bruno_service.fields import Headers, Row
from bruno_service.limits import Limits
from bruno_service.messages import Interrupted
from bruno_service.parsing import accepts_events, is_describe, read_request
from bruno_service.service import Service
from bruno_service.session import Piece, Session
from painter.device.faults import as_paint_error
from painter.device.memory import give_back_memory
from painter.engine.painter import Painter
from painter.pictures.encoding import MEDIA_TYPES

REPLY_BYTES: Final = 4 * 2**20
SMALL_BYTES: Final = REPLY_BYTES // 16
# A call waits for so long until it is decided whether new requests are good; those left over are
# asked for again.
DECIDE_SECONDS: Final = 2.0
# Paintings go on for so long when no call asks for them.
IDLE_SECONDS: Final = 2.0
# What paintings have freed is kept for the next ones until none was made for so long: to take
# it anew costs a painting of 512 px up to two seconds.
REST_SECONDS: Final = 60.0
ENDS: Final = ("finished", "failed", "cancelled", "refused")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the server holds it; `continued` if it was answered in part before."""

    id: str
    row: Row
    headers: Headers
    continued: bool = False


class Desk:
    """Keeps the sessions between the calls of a server."""

    def __init__(
        self,
        make: Callable[[], Painter],
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Has a thread of its own make the painter; raises what `make` raises."""
        self._service = Service(make, limits, clock)
        self._engine = self._service.engine
        self._limits = self._service.limits
        self._ends: Counter[str] = Counter()
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._reaped: dict[str, bool] = {}
        self._called = clock()
        self._busy_at: float | None = None

    @property
    def device_lost(self) -> bool:
        """Whether only a new process can paint again."""
        return self._engine.lost

    def serve(self, calls: Sequence[Call]) -> list[Piece | None]:
        """Takes in what is new, waits for news, a slice at most, and replies to each call.

        There is no reply to a request that is still being decoded: it must come again, whole.
        """
        with self._lock:
            self._engine.ask(math.inf)
            try:
                return self._serve(calls)
            finally:
                self._called = self._clock()
                self._engine.ask(self._called + IDLE_SECONDS)

    def reap(self) -> bool:
        """Frees all sessions when no call came for `reap_seconds`, and says whether it did."""
        with self._lock:
            silence = self._clock() - self._called
            if not self._sessions or silence < self._limits.reap_seconds:
                return False
            logger.info("no call for %.1f s: freeing %d orders", silence, len(self._sessions))
            self._reaped = {session.id: session.events for session in self._sessions.values()}
            self._forget(list(self._sessions.values()))
            return True

    def rest(self) -> bool:
        """Gives freed memory back once nothing was painted for a while; says whether it did."""
        with self._lock:
            if self._busy_at is None or self._clock() - self._busy_at < REST_SECONDS:
                return False
            self._busy_at = None
            give_back_memory()
            return True

    def tally(self) -> dict[str, int]:
        """How many paintings run and wait now, and totals since the start, as metrics."""
        with self._lock:
            cache = self._service.painter.describe()["style_cache"]
            return {
                "bruno_paintings_running": self._service.running,
                "bruno_paintings_waiting": self._service.waiting,
                **{f"bruno_paintings_{end}_total": self._ends[end] for end in ENDS},
                "bruno_evaluations_total": self._engine.evaluations,
                "bruno_style_cache_hits_total": cache["hits"],
                "bruno_style_cache_misses_total": cache["misses"],
            }

    def close(self) -> None:
        """Ends all threads; nothing is served any more."""
        self._service.close()

    def _serve(self, calls: Sequence[Call]) -> list[Piece | None]:
        here = {call.id for call in calls}
        self._forget([session for session in self._sessions.values() if session.id not in here])
        for call in calls:
            if call.id not in self._sessions:
                self._receive(call)
        sessions = [self._sessions[call.id] for call in calls]
        self._listen(sessions)
        self._service.report()
        return self._reply(sessions)

    def _receive(self, call: Call) -> None:
        session = self._sessions[call.id] = Session(call.id, self._clock())
        try:
            if call.continued:
                session.begun = True
                session.events = self._reaped.pop(call.id, accepts_events(call.headers))
                raise Interrupted("the worker lost this painting while it was made")
            if is_describe(call.row):
                session.describe(self._describe())
                return
            request, session.events = read_request(call.row, call.headers)
            session.open(MEDIA_TYPES[request.options.format])
            self._service.place(session, request)
        except Exception as error:
            session.fail(as_paint_error(error))

    def _describe(self) -> dict[str, object]:
        shop = self._service
        return describe_service(shop.painter, self._limits, shop.running, shop.waiting)

    def _listen(self, sessions: Sequence[Session]) -> None:
        """Waits until there is something to tell of these sessions, or a slice is over."""
        began = self._clock()
        while True:
            self._service.bell.clear()
            self._service.move()
            if self._service.running:
                self._busy_at = self._clock()
            is_decided = all(session.decided for session in sessions)
            seconds = self._limits.slice_seconds if is_decided else DECIDE_SECONDS
            left = began + seconds - self._clock()
            has_news = is_decided and any(session.has_news for session in sessions)
            if not sessions or has_news or left <= 0:
                return
            self._service.bell.wait(left)

    def _reply(self, sessions: Sequence[Session]) -> list[Piece | None]:
        """Small pieces for all, and one large piece for the first that has much to tell."""
        now = self._clock()
        large = next((session for session in sessions if session.pending > SMALL_BYTES), None)
        small = sum(
            min(session.pending, SMALL_BYTES) for session in sessions if session is not large
        )
        most = max(SMALL_BYTES, REPLY_BYTES - small)
        replies = [
            session.take(most if session is large else SMALL_BYTES, now)
            if session.decided
            else None
            for session in sessions
        ]
        for session in sessions:
            if session.ended and not session.pending:
                self._close(session)
        return replies

    def _close(self, session: Session) -> None:
        self._service.free(session)
        del self._sessions[session.id]
        self._ends[session.outcome] += 1
        if session.outcome != "described":
            logger.info(session.summary(self._clock()))

    def _forget(self, sessions: Sequence[Session]) -> None:
        for session in sessions:
            self._service.free(session)
            session.cancel()
            self._close(session)
