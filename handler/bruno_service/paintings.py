"""Paintings from the moment they are begun: the engine tells of them, and pools encode them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bruno_service.pools import Pools
from bruno_service.session import Session
from painter.engine.ledger import Bytes, Hold, Ledger
from painter.engine.mailbox import Mailbox, News
from painter.engine.memory import bytes_encoding
from painter.engine.thread import EngineThread
from painter.painting.record import accepted
from painter.painting.snapshots import PreviewSnapshot
from painter.planning.plan import Plan

# Whoever has so many bytes still to read gets no preview on top of them.
BEHIND_BYTES: Final = 2**18


class Paintings:
    """The sessions whose paintings were begun; what is told of these becomes their answers.

    The service's lock is held by whoever calls.
    """

    def __init__(
        self, engine: EngineThread, pools: Pools, ledger: Ledger, clock: Callable[[], float]
    ) -> None:
        self.sessions: list[Session] = []
        self._engine, self._pools, self._ledger, self._clock = engine, pools, ledger, clock

    @property
    def running(self) -> list[tuple[Session, Mailbox]]:
        """Those in the engine's hands."""
        return [
            (session, session.mailbox)
            for session in self.sessions
            if session.mailbox is not None and session.encoding is None
        ]

    def begin(self, session: Session, plan: Plan, hold: Hold) -> None:
        """Has a plan painted, whose memory is held until the device has nothing of it any more."""
        session.timeline.mark("painting")
        session.mailbox = self._engine.begin(plan, shows=session.events)
        session.mailbox.gone.add_done_callback(hold.release)
        self.sessions.append(session)

    def remove(self, session: Session) -> bool:
        """Stops what is done for a session, if it was begun; memory is released once it stopped."""
        if session not in self.sessions:
            return False
        self.sessions.remove(session)
        if session.mailbox is not None:
            self._engine.drop(session.mailbox)
        if session.hold is not None and session.encoding is None:
            session.hold.release()
        elif session.hold is not None and session.encoding is not None:
            session.encoding.cancel()
            session.encoding.add_done_callback(session.hold.release)
        return True

    def hear(self, session: Session, mailbox: Mailbox) -> None:
        """Takes in what the engine tells of a painting."""
        news, now = mailbox.read(), self._clock()
        is_begun = news.progress is not None or session.is_overdue(now)
        if is_begun and not session.accepted:
            session.accept(accepted(mailbox.plan))
        if news.preview is not None and session.pending <= BEHIND_BYTES:
            self._preview(session, news.preview)
        if news.progress is not None and news.ended:
            session.report(news.progress, now)
        if news.ended:
            session.timeline.mark("painted")
            self._encode(session, mailbox.plan, news)

    def _preview(self, session: Session, snapshot: PreviewSnapshot) -> None:
        """Has a preview encoded, unless the one before is being encoded now."""
        if session.previewing is None or session.previewing.cancel():
            session.previewing = self._pools.preview(snapshot)

    def _encode(self, session: Session, plan: Plan, news: News) -> None:
        """Has the painting encoded, or what there is of it where a picture has begun."""
        is_told = session.events or not session.accepted
        if news.error is not None and (is_told or news.snapshot is None):
            raise news.error
        if news.snapshot is not None:
            session.broken = news.error is not None
            session.hold = self._ledger.hold(Bytes(host=bytes_encoding(plan)))
            session.encoding = self._pools.encode(news.snapshot)

    def take_pictures(self, session: Session) -> None:
        """Takes in what the pools have encoded."""
        if session.previewing is not None and session.previewing.done():
            preview, session.previewing = session.previewing.result(), None
            session.show(preview)
        if session.encoding is not None and session.encoding.done():
            session.finish(session.encoding.result())
