"""What is done for requests: they wait in the queue, are painted by the engine, and encoded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import torch

from bruno_service.description import describe_service
from bruno_service.limits import Limits
from bruno_service.messages import Interrupted
from bruno_service.observation import Observations, load, memory, work
from bruno_service.origin import NOWHERE, Origin
from bruno_service.paintings import Paintings
from bruno_service.parsing import read_request
from bruno_service.pools import Pools
from bruno_service.queue import Queue
from bruno_service.session import Piece, Session
from bruno_service.timeline import Timeline
from painter.device.faults import as_paint_error
from painter.device.memory import give_back_memory
from painter.engine.painter import Painter
from painter.engine.thread import EngineThread
from painter.errors import Full
from painter.options.request import Request
from painter.pictures.decoding import read_planes
from painter.pictures.encoding import MEDIA_TYPES
from painter.pictures.picture import Read

RETRY_SECONDS: Final = 60
# What paintings have freed is kept for the next ones until none was made for so long: to take
# it anew costs a painting of 512 px up to two seconds.
REST_SECONDS: Final = 60.0

LOST: Final = "the device failed, and the worker is being started anew"
STOPPING: Final = "the server is being stopped; the same request may be sent again"


class Service:
    """Takes requests in, and moves their sessions on whenever a server asks it to.

    Any thread may call it; none of its threads is waited for with a lock held. `bell` is set
    whenever there is something to move on; `is_draining` says that nothing is taken in any more.
    """

    def __init__(
        self,
        make: Callable[[], Painter],
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        read: Read = read_planes,
    ) -> None:
        """Has the engine's thread make the painter; raises what `make` raises."""
        self.bell = threading.Event()
        self._pools = Pools(self.bell.set, torch.get_num_threads(), read)
        self.engine = EngineThread(make, self.bell.set, clock)
        self.painter = self.engine.painter
        self.limits = limits.on(self.painter.vgg.device.type)
        self._clock = clock
        self._lock = threading.RLock()
        self._ledger = self.painter.ledger()
        self._queue = Queue(self.painter, self._ledger, self._pools)
        self._paintings = Paintings(self.engine, self._pools, self._ledger, clock)
        self.is_draining = False
        self._observed = Observations()
        self._busy_at: float | None = None

    @property
    def running(self) -> int:
        """How many are in the engine's hands."""
        return len(self._paintings.running)

    @property
    def waiting(self) -> int:
        """How many stand in the queue."""
        return len(self._queue)

    @property
    def health(self) -> str:
        """`ready` to begin at once, `busy` where one would wait, `full` where one is refused.

        Or `draining`, or `broken` where only a new process can paint.
        """
        if self.engine.lost:
            return "broken"
        if self.is_draining:
            return "draining"
        is_taken = self.running >= self.limits.running
        if self.waiting >= self.limits.waiting and is_taken:
            return "full"
        return "busy" if self.waiting or is_taken else "ready"

    def submit(
        self,
        id: str,
        read: Callable[[], Mapping[str, Any]],
        accept: str,
        origin: Origin = NOWHERE,
    ) -> Session:
        """Takes in a request whose fields `read` gives; what is wrong with it is its answer."""
        session = Session(id, self._clock(), origin=origin, timeline=Timeline(self._clock))
        try:
            request, session.events = read_request(read(), accept)
            session.open(MEDIA_TYPES[request.options.format])
            with self._lock:
                self._place(session, request)
        except Exception as error:
            session.fail(as_paint_error(error))
        return session

    def check_place(self) -> None:
        """Raises Full or Interrupted where one more is refused whatever it asks for."""
        with self._lock:
            if self.engine.lost:
                raise Interrupted(LOST)
            if self.is_draining:
                raise Interrupted(STOPPING)
            free = 0 if self._queue.is_short_of_memory else self.limits.running - self.running
            if len(self._queue) >= self.limits.waiting + free:
                raise Full(
                    f"at most {self.limits.waiting} paintings wait in the queue, and there are "
                    f"{len(self._queue)}",
                    self._retry_after(),
                )

    def describe(self, id: str) -> Session:
        """The session of who asks what the service can do."""
        session = Session(id, self._clock())
        with self._lock:
            session.describe(
                describe_service(self.painter, self.limits, self.health, self.running, self.waiting)
            )
        return session

    def move(self) -> None:
        """Moves each session on as far as it goes without waiting for anything."""
        self.bell.clear()
        with self._lock:
            if self.engine.lost:
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
            if not self.engine.lost:
                self._admit()
            if self.running:
                self._busy_at = self._clock()

    def move_until(self, holds: Callable[[], bool], seconds: float) -> None:
        """Moves sessions on until something holds of them, or the seconds are over."""
        end = self._clock() + seconds
        self.move()
        while not holds() and self._clock() < end:
            self.bell.wait(end - self._clock())
            self.move()

    def take(self, session: Session, most: int) -> Piece:
        """The next bytes of an answer, `most` at most; the last ones close the session.

        How far the painting is goes with them: so whoever reads slowly hears of it less often.
        """
        with self._lock:
            progress = session.mailbox.progress if session.mailbox else None
            if session.accepted and progress is not None:
                session.report(progress, self._clock())
            piece = session.take(most, self._clock())
            if piece.last:
                self._close(session)
            return piece

    def cancel(self, session: Session) -> None:
        """Its client has gone: nothing more is done for it, unless all of it was done."""
        with self._lock:
            if not session.is_closed:
                self._free(session)
                session.cancel()
                self._close(session)

    def drain(self) -> None:
        """Takes nothing in any more, and sends away whoever waits; what is painted goes on."""
        with self._lock:
            self.is_draining = True
            self.interrupt(self._queue.sessions, STOPPING)

    def interrupt(self, sessions: Iterable[Session], why: str) -> None:
        """Ends those that have not ended yet; whoever can be told hears that it may come again."""
        with self._lock:
            for session in sessions:
                if not session.ended:
                    self._free(session)
                    session.fail(Interrupted(why))
            self.bell.set()

    def rest(self) -> bool:
        """Gives freed memory back once nothing was painted for a while; says whether it did."""
        with self._lock:
            if self._busy_at is None or self._clock() - self._busy_at < REST_SECONDS:
                return False
            self._busy_at = None
            give_back_memory()
            return True

    def tally(self) -> dict[str, float]:
        """What is so now, and totals since the start, as the series of `metrics.CATALOG`."""
        with self._lock:
            return {
                **load(self.running, self.waiting, self.limits),
                **self._observed.samples(self._paintings.sessions),
                **work(self.engine),
                **memory(self.painter, self._ledger.held),
            }

    def close(self) -> None:
        """Ends all threads; nothing is done any more."""
        self.engine.close()
        self._pools.close()

    def _place(self, session: Session, request: Request) -> None:
        """Puts a request into the queue; raises PaintError where that is refused."""
        self.check_place()
        if not self._queue.add(session, request):
            raise Full(
                "there is no memory for the files of one more request beside those of the "
                f"{len(self._queue)} that wait",
                self._retry_after(),
            )
        self.bell.set()

    def _free(self, session: Session) -> None:
        """Stops whatever is done for a session; its memory is released when that has stopped."""
        self._queue.remove(session)
        if self._paintings.remove(session):
            self._observed.leave(session)

    def _close(self, session: Session) -> None:
        self._free(session)
        session.is_closed = True
        self._observed.close(session)

    @contextmanager
    def _answering(self, session: Session) -> Iterator[None]:
        """Whatever goes wrong inside is the answer of this session alone."""
        try:
            yield
        except Exception as error:
            self._free(session)
            session.fail(as_paint_error(error))

    def _retry_after(self) -> int:
        progresses = [mailbox.progress for _, mailbox in self._paintings.running]
        etas = [progress.eta for progress in progresses if progress and progress.eta is not None]
        return max(1, min(RETRY_SECONDS, round(min(etas, default=RETRY_SECONDS))))

    def _admit(self) -> None:
        """Has those painted that there is a place for, and decides on those that must wait."""
        for session, plan, hold in self._queue.advance(self.limits.running - self.running):
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
