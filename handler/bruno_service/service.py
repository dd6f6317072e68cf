"""What is done for the sessions: they wait in the queue, are painted by the engine, and encoded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import torch

from bruno_service.limits import Limits
from bruno_service.messages import Interrupted
from bruno_service.pools import Pools
from bruno_service.queue import Queue
from bruno_service.session import Session
from painter.device.faults import as_paint_error
from painter.engine.ledger import Bytes
from painter.engine.mailbox import Mailbox, News
from painter.engine.memory import bytes_encoding
from painter.engine.painter import Painter
from painter.engine.thread import Engine
from painter.errors import Full
from painter.options.request import Request
from painter.painting.record import accepted
from painter.planning.plan import Plan

RETRY_SECONDS: Final = 60


class Service:
    """Moves sessions on whenever it is asked to; what it waits for meanwhile rings its bell."""

    def __init__(
        self, make: Callable[[], Painter], limits: Limits, clock: Callable[[], float]
    ) -> None:
        """Has the engine's thread make the painter; raises what `make` raises."""
        self.bell = threading.Event()
        self._pools = Pools(self.bell.set, torch.get_num_threads())
        self.engine = Engine(make, self.bell.set, clock)
        self.painter = self.engine.painter
        self.limits = limits.on(self.painter.vgg.device.type)
        self._clock = clock
        self._ledger = self.painter.ledger()
        self._queue = Queue(self.painter, self._ledger, self._pools)
        self._begun: list[Session] = []

    @property
    def running(self) -> int:
        """How many are in the engine's hands."""
        return len(self._painting())

    @property
    def waiting(self) -> int:
        """How many stand in the queue."""
        return len(self._queue)

    def place(self, session: Session, request: Request) -> None:
        """Puts a request into the queue; raises PaintError where that is refused."""
        if self.engine.lost:
            raise _interrupted()
        free = 0 if self._queue.is_short_of_memory else self.limits.running - self.running
        if len(self._queue) >= self.limits.waiting + free:
            raise Full(
                f"at most {self.limits.waiting} paintings wait in the line, and there are "
                f"{len(self._queue)}",
                self._retry_after(),
            )
        if not self._queue.add(session, request):
            raise Full(
                "there is no memory for the files of one more request beside those of the "
                f"{len(self._queue)} that wait",
                self._retry_after(),
            )

    def move(self) -> None:
        """Moves each session on as far as it goes without waiting for anything."""
        if self.engine.lost:
            self._lose_device()
        else:
            for session in self._queue.decoded():
                with self._answering(session):
                    self._queue.take_in(session)
            for session, mailbox in self._painting():
                with self._answering(session):
                    self._hear(session, mailbox)
        for session in list(self._begun):
            with self._answering(session):
                self._take_pictures(session)
        if not self.engine.lost:
            self._admit()

    def report(self) -> None:
        """Tells how far each painting is."""
        for session in self._begun:
            if (
                session.accepted
                and session.mailbox is not None
                and session.mailbox.progress is not None
            ):
                session.report(session.mailbox.progress, self._clock())

    def free(self, session: Session) -> None:
        """Stops whatever is done for a session; its memory is released when that has stopped."""
        self._queue.remove(session)
        if session not in self._begun:
            return
        self._begun.remove(session)
        if session.mailbox is not None:
            self.engine.drop(session.mailbox)
        if session.hold is None:
            return
        if session.encoding is None:
            session.hold.release()
        else:
            session.encoding.cancel()
            session.encoding.add_done_callback(session.hold.release)

    def close(self) -> None:
        """Ends all threads; nothing is done any more."""
        self.engine.close()
        self._pools.close()

    @contextmanager
    def _answering(self, session: Session) -> Iterator[None]:
        """Whatever goes wrong inside is the answer of this session alone."""
        try:
            yield
        except Exception as error:
            self.free(session)
            session.fail(as_paint_error(error))

    def _retry_after(self) -> int:
        told = [mailbox.progress for _, mailbox in self._painting()]
        etas = [progress.eta for progress in told if progress and progress.eta is not None]
        return max(1, min(RETRY_SECONDS, round(min(etas, default=RETRY_SECONDS))))

    def _painting(self) -> list[tuple[Session, Mailbox]]:
        return [
            (session, session.mailbox)
            for session in self._begun
            if session.mailbox is not None and session.encoding is None
        ]

    def _admit(self) -> None:
        """Has those painted that there is a place for, and decides on those that must wait."""
        for session, plan, hold in self._queue.advance(self.limits.running - self.running):
            session.mailbox = self.engine.begin(plan, shows=session.events)
            session.mailbox.gone.add_done_callback(hold.release)
            self._begun.append(session)
        for position, session in enumerate(self._queue.sessions, start=1):
            is_good = self._queue.is_planned(session)
            if session.decided or is_good or session.is_overdue(self._clock()):
                session.wait(position, self._clock())

    def _hear(self, session: Session, mailbox: Mailbox) -> None:
        """Takes in what the engine tells of a painting."""
        news, now = mailbox.read(), self._clock()
        is_begun = news.progress is not None or session.is_overdue(now)
        if is_begun and not session.accepted:
            session.accept(accepted(mailbox.plan))
        if news.preview is not None and (session.previewing is None or session.previewing.cancel()):
            session.previewing = self._pools.preview(news.preview)
        if news.progress is not None and news.ended:
            session.report(news.progress, now)
        if news.ended:
            self._encode(session, mailbox.plan, news)

    def _encode(self, session: Session, plan: Plan, news: News) -> None:
        """Has the painting encoded, or what there is of it where a picture has begun."""
        is_told = session.events or not session.begun
        if news.error is not None and (is_told or news.snapshot is None):
            raise news.error
        if news.snapshot is not None:
            session.broken = news.error is not None
            session.hold = self._ledger.hold(Bytes(host=bytes_encoding(plan)))
            session.encoding = self._pools.encode(news.snapshot)

    def _take_pictures(self, session: Session) -> None:
        """Takes in what the pools have encoded."""
        if session.previewing is not None and session.previewing.done():
            preview, session.previewing = session.previewing.result(), None
            session.show(preview)
        if session.encoding is not None and session.encoding.done():
            session.finish(session.encoding.result())

    def _lose_device(self) -> None:
        """Tells everyone, but in a picture, where only a broken connection can tell."""
        painting = [session for session, _ in self._painting()]
        for session in (*self._queue.sessions, *painting):
            if session.events or not session.begun:
                self.free(session)
                session.fail(_interrupted())


def _interrupted() -> Interrupted:
    return Interrupted("the device failed, and the worker is being started anew")
