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

from answers import Interrupted
from description import Limits, describe_service
from fields import Headers, Row
from order import Order, Reply
from painter.device.faults import as_paint_error
from painter.device.memory import give_back_memory
from painter.engine.painter import Painter
from painter.pictures.encoding import MEDIA_TYPES
from wire import accepts_events, is_describe, read_request
from workshop import Workshop

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
    """Keeps the orders between the calls of a server."""

    def __init__(
        self,
        make: Callable[[], Painter],
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Has a thread of its own make the painter; raises what `make` raises."""
        self._workshop = Workshop(make, limits, clock)
        self._engine = self._workshop.engine
        self._limits = self._workshop.limits
        self._ends: Counter[str] = Counter()
        self._clock = clock
        self._lock = threading.Lock()
        self._orders: dict[str, Order] = {}
        self._reaped: dict[str, bool] = {}
        self._called = clock()
        self._busy_at: float | None = None

    @property
    def device_lost(self) -> bool:
        """Whether only a new process can paint again."""
        return self._engine.lost

    def serve(self, calls: Sequence[Call]) -> list[Reply | None]:
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
            cache = self._workshop.painter.describe()["style_cache"]
            return {
                "bruno_paintings_running": self._workshop.running,
                "bruno_paintings_waiting": self._workshop.waiting,
                **{f"bruno_paintings_{end}_total": self._ends[end] for end in ENDS},
                "bruno_evaluations_total": self._engine.evaluations,
                "bruno_style_cache_hits_total": cache["hits"],
                "bruno_style_cache_misses_total": cache["misses"],
            }

    def close(self) -> None:
        """Ends all threads; nothing is served any more."""
        self._workshop.close()

    def _serve(self, calls: Sequence[Call]) -> list[Reply | None]:
        here = {call.id for call in calls}
        self._forget([order for order in self._orders.values() if order.id not in here])
        for call in calls:
            if call.id not in self._orders:
                self._receive(call)
        orders = [self._orders[call.id] for call in calls]
        self._listen(orders)
        self._workshop.report()
        return self._reply(orders)

    def _receive(self, call: Call) -> None:
        order = self._orders[call.id] = Order(call.id, self._clock())
        try:
            if call.continued:
                order.begun = True
                order.events = self._reaped.pop(call.id, accepts_events(call.headers))
                raise Interrupted("the worker lost this painting while it was made")
            if is_describe(call.row):
                order.describe(self._describe())
                return
            request, order.events = read_request(call.row, call.headers)
            order.open(MEDIA_TYPES[request.options.format])
            self._workshop.place(order, request)
        except Exception as error:
            order.fail(as_paint_error(error))

    def _describe(self) -> dict[str, object]:
        shop = self._workshop
        return describe_service(shop.painter, self._limits, shop.running, shop.waiting)

    def _listen(self, orders: Sequence[Order]) -> None:
        """Waits until there is something to tell of these orders, or a slice is over."""
        began = self._clock()
        while True:
            self._workshop.bell.clear()
            self._workshop.move()
            if self._workshop.running:
                self._busy_at = self._clock()
            is_decided = all(order.decided for order in orders)
            seconds = self._limits.slice_seconds if is_decided else DECIDE_SECONDS
            left = began + seconds - self._clock()
            has_news = is_decided and any(order.has_news for order in orders)
            if not orders or has_news or left <= 0:
                return
            self._workshop.bell.wait(left)

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

    def _close(self, order: Order) -> None:
        self._workshop.free(order)
        del self._orders[order.id]
        self._ends[order.outcome] += 1
        if order.outcome != "described":
            logger.info(order.summary(self._clock()))

    def _forget(self, orders: Sequence[Order]) -> None:
        for order in orders:
            self._workshop.free(order)
            order.cancel()
            self._close(order)
