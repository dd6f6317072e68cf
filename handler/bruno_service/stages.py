"""The stages of a request: it waits in the queue, is painted by the engine, and is encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from bruno_service.limits import Limits
from bruno_service.messages import Interrupted
from bruno_service.observation import Observations, load, memory, work
from bruno_service.paintings import Paintings
from bruno_service.pools import Pools
from bruno_service.queue import Queue
from bruno_service.session import Session
from painter.device.faults import as_paint_error
from painter.engine.thread import EngineThread
from painter.errors import Full
from painter.options.request import Request

RETRY_SECONDS: Final = 60

LOST: Final = "the device failed, and the worker is being started anew"


class Stages:
    """Hands sessions on from the queue to the engine, and from there to the pools.

    The service's lock is held by whoever calls; `running` and `waiting` may be read without.
    """

    def __init__(
        self,
        engine: EngineThread,
        pools: Pools,
        limits: Limits,
        clock: Callable[[], float],
        ring: Callable[[], None],
    ) -> None:
        """`ring` is called when there is something to move on."""
        self._engine, self._limits, self._clock, self._ring = engine, limits, clock, ring
        self._ledger = engine.painter.ledger()
        self._queue = Queue(engine.painter, self._ledger, pools)
        self._paintings = Paintings(engine, pools, self._ledger, clock)
        self._observed = Observations()

    @property
    def running(self) -> int:
        """How many are in the engine's hands."""
        return len(self._paintings.running)

    @property
    def waiting(self) -> int:
        """How many stand in the queue."""
        return len(self._queue)

    def check_place(self) -> None:
        """Raises Full where neither the engine nor the queue has a place."""
        free = 0 if self._queue.is_short_of_memory else self._limits.running - self.running
        if self.waiting >= self._limits.waiting + free:
            raise Full(
                f"at most {self._limits.waiting} paintings wait in the queue, and there are "
                f"{self.waiting}",
                self._retry_after(),
            )

    def add(self, session: Session, request: Request) -> None:
        """Puts a request into the queue; raises PaintError where that is refused."""
        if not self._queue.add(session, request):
            raise Full(
                "there is no memory for the files of one more request beside those of the "
                f"{self.waiting} that wait",
                self._retry_after(),
            )
        self._ring()

    def move(self) -> None:
        """Moves each session on as far as it goes without waiting for anything."""
        if self._engine.lost:
            self._lose_device()
        else:
            for session in self._queue.decoded():
                with self._answering(session):
                    self._queue.take_in(session)
            for session, mailbox in self._paintings.running:
                with self._answering(session):
                    self._paintings.hear(session, mailbox)
        for session in list(self._paintings.sessions):
            with self._answering(session):
                self._paintings.take_pictures(session)
        if not self._engine.lost:
            self._admit()

    def free(self, session: Session) -> None:
        """Stops whatever is done for a session; its memory is released when that has stopped."""
        self._queue.remove(session)
        if self._paintings.remove(session):
            self._observed.leave(session)

    def close(self, session: Session) -> None:
        """All of a session's answer has gone out, or its client has gone: it is counted."""
        self.free(session)
        session.is_closed = True
        self._observed.close(session)

    def send_away(self, why: str) -> None:
        """Ends all that wait in the queue."""
        self.interrupt(self._queue.sessions, why)

    def interrupt(self, sessions: Iterable[Session], why: str) -> None:
        """Ends those that have not ended yet; whoever can be told hears that it may come again."""
        for session in sessions:
            if not session.ended:
                self.free(session)
                session.fail(Interrupted(why))
        self._ring()

    def tally(self) -> dict[str, float]:
        """What is so now, and totals since the start, as the series of `metrics.CATALOG`."""
        return {
            **load(self.running, self.waiting, self._limits),
            **self._observed.samples(self._paintings.sessions),
            **work(self._engine),
            **memory(self._engine.painter, self._ledger.held),
        }

    @contextmanager
    def _answering(self, session: Session) -> Iterator[None]:
        """Whatever goes wrong inside is the answer of this session alone."""
        try:
            yield
        except Exception as error:
            self.free(session)
            session.fail(as_paint_error(error))

    def _admit(self) -> None:
        """Has those painted that there is a place for, and decides on those that must wait."""
        for session, plan, hold in self._queue.advance(self._limits.running - self.running):
            self._paintings.begin(session, plan, hold)
        for position, session in enumerate(self._queue.sessions, start=1):
            is_good = self._queue.is_planned(session)
            if session.decided or is_good or session.is_overdue(self._clock()):
                session.wait(position, self._clock())

    def _lose_device(self) -> None:
        """Tells everyone, but in a picture, where only a broken connection can tell."""
        lost = [*self._queue.sessions, *(session for session, _ in self._paintings.running)]
        reachable = [session for session in lost if session.events or not session.begun]
        if reachable:
            self.interrupt(reachable, LOST)

    def _retry_after(self) -> int:
        progresses = [mailbox.progress for _, mailbox in self._paintings.running]
        etas = [progress.eta for progress in progresses if progress and progress.eta is not None]
        return max(1, min(RETRY_SECONDS, round(min(etas, default=RETRY_SECONDS))))
