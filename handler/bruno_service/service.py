"""What servers ask for: they submit requests, have them moved on, and take their answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import torch

from bruno_service.description import describe_service
from bruno_service.freed_memory import FreedMemory
from bruno_service.limits import Limits
from bruno_service.messages import Interrupted
from bruno_service.origin import NOWHERE, Origin
from bruno_service.parsing import read_request
from bruno_service.pools import Pools
from bruno_service.session import Piece, Session
from bruno_service.stages import LOST, Stages
from bruno_service.timeline import Timeline
from painter.device.faults import as_paint_error
from painter.device.memory import give_back_memory
from painter.engine.painter import Painter
from painter.engine.thread import EngineThread
from painter.pictures.decoding import read_planes
from painter.pictures.encoding import MEDIA_TYPES
from painter.pictures.picture import Read

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
        self._stages = Stages(self.engine, self._pools, self.limits, clock, self.bell.set)
        self.is_draining = False
        self._freed = FreedMemory()

    @property
    def running(self) -> int:
        """How many are in the engine's hands."""
        return self._stages.running

    @property
    def waiting(self) -> int:
        """How many stand in the queue."""
        return self._stages.waiting

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
                self.check_place()
                self._stages.add(session, request)
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
            self._stages.check_place()

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
            self._stages.move()
            if self.running:
                self._freed.use(self._clock())

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
                self._stages.close(session)
            return piece

    def cancel(self, session: Session) -> None:
        """Its client has gone: nothing more is done for it, unless all of it was done."""
        with self._lock:
            if not session.is_closed:
                self._stages.free(session)
                session.cancel()
                self._stages.close(session)

    def drain(self) -> None:
        """Takes nothing in any more, and sends away whoever waits; what is painted goes on."""
        with self._lock:
            self.is_draining = True
            self._stages.send_away(STOPPING)

    def interrupt(self, sessions: Iterable[Session], why: str) -> None:
        """Ends those that have not ended yet; whoever can be told hears that it may come again."""
        with self._lock:
            self._stages.interrupt(sessions, why)

    def rest(self) -> bool:
        """Gives freed memory back where that is due; says whether it did."""
        with self._lock:
            if not self._freed.is_due(self._clock()):
                return False
            self._freed = FreedMemory()
        give_back_memory()
        return True

    def tally(self) -> dict[str, float]:
        """What is so now, and totals since the start, as the series of `metrics.CATALOG`."""
        with self._lock:
            return self._stages.tally()

    def close(self) -> None:
        """Ends all threads; nothing is done any more."""
        self.engine.close()
        self._pools.close()
