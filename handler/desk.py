"""What each call of a server takes in and hands out.

A server calls `Desk.serve` again and again with all requests that it holds, and hands on what
it gets back. Nothing here knows which server that is, and nothing here computes: the engine
paints on its own thread, and the pools decode and encode.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import torch

from answers import Interrupted
from description import Limits, describe_service
from fields import Headers, Row
from line import Line
from order import Order, Reply
from painter.engine import Engine, Mailbox, News
from painter.errors import Full, PaintError
from painter.faults import as_paint_error
from painter.images import MEDIA_TYPES
from painter.ledger import Bytes
from painter.memory import bytes_encoding, give_back_memory
from painter.painting import Painter
from painter.plan import Plan
from painter.record import accepted
from painter.request import Request
from pools import Pools
from wire import accepts_events, is_describe, read_request

REPLY_BYTES: Final = 4 * 2**20
SMALL_BYTES: Final = REPLY_BYTES // 16
# A call waits for so long until it is decided whether new requests are good; those left over are
# asked for again.
DECIDE_SECONDS: Final = 2.0
# Paintings go on for so long when no call asks for them.
IDLE_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 60
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
    """Keeps the orders between the calls of a server."""

    def __init__(
        self,
        make: Callable[[], Painter],
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Has a thread of its own make the painter; raises what `make` raises."""
        self._ends: Counter[str] = Counter()
        self._clock = clock
        self._lock = threading.Lock()
        self._bell = threading.Event()
        self._pools = Pools(self._bell.set, torch.get_num_threads())
        self._engine = Engine(make, self._bell.set, clock)
        painter = self._engine.painter
        self._limits = limits.on(painter.vgg.device.type)
        self._ledger = painter.ledger()
        self._line = Line(painter, self._ledger, self._pools)
        self._orders: dict[str, Order] = {}
        self._reaped: dict[str, bool] = {}
        self._called = clock()
        self._busy_at: float | None = None

    @property
    def device_lost(self) -> bool:
        """Whether only a new process can paint again."""
        return self._engine.lost

    def serve(self, calls: Sequence[Call]) -> list[Reply | None]:
        """One slice: takes in what is new, waits for news, and replies to each call, in order.

        There is no reply to a request that is still being decoded: it must come again, whole.
        """
        with self._lock:
            self._engine.ask(math.inf)
            here = {call.id for call in calls}
            self._forget([order for order in self._orders.values() if order.id not in here])
            for call in calls:
                if call.id not in self._orders:
                    self._receive(call)
            orders = [self._orders[call.id] for call in calls]
            self._listen(orders)
            self._report()
            replies = self._reply(orders)
            self._called = self._clock()
            self._engine.ask(self._called + IDLE_SECONDS)
            return replies

    def reap(self) -> bool:
        """Frees all orders when no call came for `reap_seconds`, and says whether it did."""
        with self._lock:
            silence = self._clock() - self._called
            if not self._orders or silence < self._limits.reap_seconds:
                return False
            logger.info("no call for %.1f s: freeing %d orders", silence, len(self._orders))
            self._reaped = {order.id: order.events for order in self._orders.values()}
            self._forget(list(self._orders.values()))
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
            cache = self._engine.painter.describe()["style_cache"]
            return {
                "bruno_paintings_running": self._running,
                "bruno_paintings_waiting": len(self._line),
                **{f"bruno_paintings_{end}_total": self._ends[end] for end in ENDS},
                "bruno_evaluations_total": self._engine.evaluations,
                "bruno_style_cache_hits_total": cache["hits"],
                "bruno_style_cache_misses_total": cache["misses"],
            }

    def close(self) -> None:
        """Ends all threads; nothing is served any more."""
        self._engine.close()
        self._pools.close()

    @contextmanager
    def _answering(self, order: Order) -> Iterator[None]:
        """Whatever goes wrong inside is the answer of this order alone."""
        try:
            yield
        except Exception as error:
            self._fail(order, as_paint_error(error))

    def _receive(self, call: Call) -> None:
        order = self._orders[call.id] = Order(call.id, self._clock())
        with self._answering(order):
            if call.continued:
                order.begun = True
                order.events = self._reaped.pop(call.id, accepts_events(call.headers))
                raise Interrupted("the worker lost this painting while it was made")
            if is_describe(call.row):
                order.describe(self._describe())
                return
            request, order.events = read_request(call.row, call.headers)
            order.open(MEDIA_TYPES[request.options.format])
            self._place(order, request)

    def _describe(self) -> dict[str, object]:
        painter, waiting = self._engine.painter, len(self._line)
        return describe_service(painter, self._limits, self._running, waiting)

    def _place(self, order: Order, request: Request) -> None:
        if self.device_lost:
            raise _interrupted()
        free = 0 if self._line.is_short_of_memory else self._limits.running - self._running
        if len(self._line) >= self._limits.waiting + free or not self._line.add(order, request):
            raise Full(
                f"at most {self._limits.waiting} paintings wait in the line, and there are "
                f"{len(self._line)}",
                self._retry_after(),
            )

    def _retry_after(self) -> int:
        told = [mailbox.progress for _, mailbox in self._painting()]
        etas = [progress.eta for progress in told if progress and progress.eta is not None]
        return max(1, min(RETRY_SECONDS, round(min(etas, default=RETRY_SECONDS))))

    def _listen(self, orders: Sequence[Order]) -> None:
        """Waits until there is something to tell of these orders, or a slice is over."""
        began = self._clock()
        while True:
            self._bell.clear()
            self._move()
            is_decided = all(order.decided for order in orders)
            seconds = self._limits.slice_seconds if is_decided else DECIDE_SECONDS
            left = began + seconds - self._clock()
            has_news = is_decided and any(order.has_news for order in orders)
            if not orders or has_news or left <= 0:
                return
            self._bell.wait(left)

    def _move(self) -> None:
        """Moves each order on as far as it goes without waiting for anything."""
        if self.device_lost:
            self._lose_device()
            return
        for order in self._line.decoded():
            with self._answering(order):
                self._line.take_in(order)
        for order, mailbox in self._painting():
            with self._answering(order):
                self._hear(order, mailbox)
        for order in list(self._orders.values()):
            with self._answering(order):
                self._take_pictures(order)
        self._admit()
        if self._running:
            self._busy_at = self._clock()

    def _admit(self) -> None:
        """Has those painted that there is a place for, and decides on those that must wait."""
        places = self._limits.running - self._running
        for order, plan, hold in self._line.advance(places):
            order.mailbox = self._engine.begin(plan, shows=order.events)
            order.mailbox.gone.add_done_callback(hold.release)
        for position, order in enumerate(self._line.orders, start=1):
            is_good = self._line.is_planned(order)
            if order.decided or is_good or order.is_overdue(self._clock()):
                order.wait(position, self._clock())

    def _hear(self, order: Order, mailbox: Mailbox) -> None:
        """Takes in what the engine tells of a painting."""
        news, now = mailbox.read(), self._clock()
        is_begun = news.progress is not None or order.is_overdue(now)
        if is_begun and not order.accepted:
            order.accept(accepted(mailbox.plan))
        if news.preview is not None and (order.previewing is None or order.previewing.cancel()):
            order.previewing = self._pools.preview(news.preview)
        if news.progress is not None and news.ended:
            order.report(news.progress, now)
        if news.ended:
            self._encode(order, mailbox.plan, news)

    def _encode(self, order: Order, plan: Plan, news: News) -> None:
        """Has the painting encoded, or what there is of it where a picture has begun."""
        is_told = order.events or not order.begun
        if news.error is not None and (is_told or news.snapshot is None):
            raise news.error
        if news.snapshot is not None:
            order.broken = news.error is not None
            order.hold = self._ledger.hold(Bytes(host=bytes_encoding(plan)))
            order.encoding = self._pools.encode(news.snapshot)

    def _take_pictures(self, order: Order) -> None:
        """Takes in what the pools have encoded."""
        if order.previewing is not None and order.previewing.done():
            preview, order.previewing = order.previewing.result(), None
            order.show(preview)
        if order.encoding is not None and order.encoding.done():
            order.finish(order.encoding.result())

    def _report(self) -> None:
        now = self._clock()
        for order in self._orders.values():
            if order.accepted and order.mailbox is not None and order.mailbox.progress is not None:
                order.report(order.mailbox.progress, now)

    def _reply(self, orders: Sequence[Order]) -> list[Reply | None]:
        """Small pieces for all, and one large piece for the first that has much to tell."""
        now = self._clock()
        large = next((order for order in orders if order.pending > SMALL_BYTES), None)
        small = sum(min(order.pending, SMALL_BYTES) for order in orders if order is not large)
        most = max(SMALL_BYTES, REPLY_BYTES - small)
        replies = [
            order.take(most if order is large else SMALL_BYTES, now) if order.decided else None
            for order in orders
        ]
        for order in orders:
            if order.ended and not order.pending:
                self._close(order)
        return replies

    @property
    def _running(self) -> int:
        return len(self._painting())

    def _painting(self) -> list[tuple[Order, Mailbox]]:
        """Those who are in the engine's hands."""
        return [
            (order, order.mailbox)
            for order in self._orders.values()
            if order.mailbox is not None and order.encoding is None
        ]

    def _close(self, order: Order) -> None:
        del self._orders[order.id]
        if order.hold is not None:
            order.hold.release()
        self._ends[order.outcome] += 1
        if order.outcome != "described":
            logger.info(order.summary(self._clock()))

    def _forget(self, orders: Sequence[Order]) -> None:
        for order in orders:
            self._free(order)
            order.cancel()
            self._close(order)

    def _free(self, order: Order) -> None:
        """Stops whatever is done for an order; its memory is released when that has stopped."""
        self._line.remove(order)
        if order.mailbox is not None:
            self._engine.drop(order.mailbox)
        if order.encoding is not None and order.hold is not None:
            order.encoding.cancel()
            order.encoding.add_done_callback(order.hold.release)
            order.hold = None

    def _fail(self, order: Order, error: PaintError) -> None:
        self._free(order)
        order.fail(error)

    def _lose_device(self) -> None:
        """Tells everyone, but in a picture, where only a broken connection can tell."""
        for order in self._orders.values():
            if not order.ended and (order.events or not order.begun):
                self._fail(order, _interrupted())


def _interrupted() -> Interrupted:
    return Interrupted("the device failed, and the worker is being started anew")
