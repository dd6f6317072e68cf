"""Who waits to be painted: in the order they came, decoded as far as there is memory."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass

from bruno_service.pools import Pools
from bruno_service.session import Session
from painter.engine.ledger import Bytes, Hold, Ledger
from painter.engine.memory import bytes_kept
from painter.engine.painter import Painter
from painter.options.request import Request
from painter.planning.plan import Plan


@dataclass(slots=True, eq=False)
class Entry:
    """A request in the queue: first its files, then the plan that they were decoded to.

    It holds `kept` while it waits, and will hold what it `needs`, one after the other.
    """

    session: Session
    request: Request | None
    kept: Bytes
    planned: Bytes
    needs: tuple[Bytes, Bytes]
    hold: Hold
    decoding: Future[Plan] | None = None
    plan: Plan | None = None


class Queue:
    """Takes requests in undecoded, and has them decoded in turn where the ledger has room.

    Whoever waits leaves memory for each of the others to be painted once nothing else is: so the
    queue always moves on. `is_short_of_memory` says that the next one waits for that alone.
    """

    def __init__(self, painter: Painter, ledger: Ledger, pools: Pools) -> None:
        self._painter = painter
        self._ledger = ledger
        self._pools = pools
        self._entries: list[Entry] = []
        self.is_short_of_memory = False

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def sessions(self) -> list[Session]:
        """Those who wait, the next one first."""
        return [entry.session for entry in self._entries]

    def add(self, session: Session, request: Request) -> bool:
        """Takes a request in, unless there is no memory for its files; raises PaintError."""
        outline = self._painter.foresee(request)
        files = Bytes(host=outline.files)
        entry = Entry(
            session,
            request,
            files,
            Bytes(host=bytes_kept(outline.plan)),
            (self._painter.planning_bytes(outline), self._painter.painting_bytes(outline.plan)),
            self._ledger.hold(Bytes()),
        )
        if not self._leaves_room(entry, files):
            return False
        entry.hold = self._ledger.hold(files)
        self._entries.append(entry)
        return True

    def remove(self, session: Session) -> None:
        """Takes a session out, if it is in; what is being decoded is freed when it is done."""
        for entry in self._of(session):
            self._entries.remove(entry)
            if entry.decoding is None:
                entry.hold.release()
            else:
                entry.decoding.cancel()

    def decoded(self) -> list[Session]:
        """The sessions whose plans are there to be taken in."""
        return [
            entry.session for entry in self._entries if entry.decoding and entry.decoding.done()
        ]

    def take_in(self, session: Session) -> None:
        """Keeps the plan of a session; raises what went wrong with its pictures."""
        for entry in self._of(session):
            if entry.decoding is not None:
                entry.session.timeline.mark("decoded")
                entry.plan = entry.decoding.result()
                entry.hold = self._ledger.hold(entry.kept)
                entry.decoding = None

    def advance(self, places: int) -> Iterator[tuple[Session, Plan, Hold]]:
        """Takes out those that can be painted now, with what they hold then; has others decoded."""
        self.is_short_of_memory = False
        for _ in range(places):
            admitted = self._next()
            if admitted is None:
                break
            yield admitted
        self._decode()

    def is_planned(self, session: Session) -> bool:
        """Whether a session's pictures are decoded and found good."""
        return any(entry.plan is not None for entry in self._of(session))

    def _next(self) -> tuple[Session, Plan, Hold] | None:
        """The first that is decoded, if there is room for it; those being decoded let it pass."""
        entry = next((entry for entry in self._entries if entry.plan is not None), None)
        if entry is None or entry.plan is None:
            return None
        hold = self._ledger.try_hold(entry.needs[-1], instead=entry.hold)
        if hold is None:
            self.is_short_of_memory = True
            return None
        self._entries.remove(entry)
        return entry.session, entry.plan, hold

    def _decode(self) -> None:
        """Has as many decoded as there are threads and memory for, none before its turn."""
        being = sum(entry.decoding is not None for entry in self._entries)
        for entry in self._entries:
            if entry.request is None:
                continue
            if being >= self._pools.decoders:
                return
            if not self._begin_decoding(entry, entry.request):
                self.is_short_of_memory |= entry is self._entries[0]
                return
            being += 1

    def _begin_decoding(self, entry: Entry, request: Request) -> bool:
        if not self._leaves_room(entry, entry.planned):
            return False
        hold = self._ledger.try_hold(entry.needs[0], instead=entry.hold)
        if hold is None:
            return False
        entry.hold, entry.kept, entry.request = hold, entry.planned, None
        entry.session.timeline.mark("decoding")
        entry.decoding = self._pools.decode(request, hold)
        return True

    def _leaves_room(self, asking: Entry, kept: Bytes) -> bool:
        waiting = {entry: entry.kept for entry in self._entries} | {asking: kept}
        total = sum(waiting.values(), Bytes())
        return not any(
            self._ledger.missing(total - waits + need)
            for entry, waits in waiting.items()
            for need in entry.needs
        )

    def _of(self, session: Session) -> list[Entry]:
        return [entry for entry in self._entries if entry.session is session]
