"""Who is painted, who waits and who is refused; what each call takes in and hands out.

A server calls `Desk.serve` again and again with all requests that it holds, and hands on what
it gets back. Nothing here knows which server that is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import torch

from answers import Interrupted
from description import Limits, describe_service
from fields import Headers, Row
from order import Order, Reply
from painter.errors import Full, PaintError
from painter.faults import DeviceLost, as_paint_error, raise_if_lost
from painter.images import MEDIA_TYPES
from painter.job import Job
from painter.memory import give_back_memory
from painter.painting import Painter
from painter.plan import Plan
from painter.request import Request
from painter.scheduler import Scheduler
from wire import accepts_events, is_describe, read_request

REPLY_BYTES: Final = 4 * 2**20
SMALL_BYTES: Final = REPLY_BYTES // 16
# A call begins new paintings for so long; those left over hear that they wait.
BEGIN_SECONDS: Final = 3.0
# What is new, or just encoded, shall not wait for a whole slice of the others.
QUICK_SECONDS: Final = 0.05
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
        self, painter: Painter, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.device_lost = False
        self._ends: Counter[str] = Counter()
        self._evaluations = 0
        self._painter = painter
        self._scheduler = Scheduler(painter)
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._orders: dict[str, Order] = {}
        self._line: list[tuple[Order, Plan]] = []
        self._reaped: dict[str, bool] = {}
        self._called = clock()
        self._busy_at: float | None = None
        # Encoding a large picture takes longer than the others may be left without a word. Its
        # thread must not have a team of its own: with more threads than cores, OpenMP has all of
        # them sleep at every barrier from then on, and each painting takes a fifth longer.
        self._encoder = ThreadPoolExecutor(1, "encoder", torch.set_num_threads, (1,))

    def serve(self, calls: Sequence[Call]) -> list[Reply]:
        """One slice: takes in what is new, paints, and replies to each call, in their order."""
        with self._lock:
            here = {call.id for call in calls}
            self._forget([order for order in self._orders.values() if order.id not in here])
            fresh = [call for call in calls if call.id not in self._orders]
            begin_until = self._clock() + BEGIN_SECONDS
            self._admit(begin_until)
            for call in fresh:
                self._receive(call, begin_until)
            if self._running:
                self._busy_at = self._clock()
            self._paint(QUICK_SECONDS if fresh else self._limits.slice_seconds)
            self._report()
            self._deliver()
            replies = self._reply([self._orders[call.id] for call in calls])
            self._called = self._clock()
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
            cache = self._painter.describe()["style_cache"]
            return {
                "bruno_paintings_running": self._running,
                "bruno_paintings_waiting": len(self._line),
                **{f"bruno_paintings_{end}_total": self._ends[end] for end in ENDS},
                "bruno_evaluations_total": self._evaluations,
                "bruno_style_cache_hits_total": cache["hits"],
                "bruno_style_cache_misses_total": cache["misses"],
            }

    @contextmanager
    def _answering(self, *orders: Order) -> Iterator[None]:
        """Whatever goes wrong inside is the answer of these orders alone."""
        try:
            yield
        except Exception as error:
            try:
                raise_if_lost(error)
            except DeviceLost:
                logger.exception("the device is lost")
                self._lose_device()
            else:
                self._fail(orders, as_paint_error(error))

    def _receive(self, call: Call, begin_until: float) -> None:
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
            self._place(order, request, begin_until)

    def _describe(self) -> dict[str, object]:
        return describe_service(self._painter, self._limits, self._running, len(self._line))

    def _place(self, order: Order, request: Request, begin_until: float) -> None:
        if self.device_lost:
            raise Interrupted("the device failed, and the worker is being started anew")
        line_is_full = len(self._line) >= self._limits.waiting
        if line_is_full and self._running >= self._limits.running:
            raise self._full()
        plan = self._painter.inspect(request)
        if not self._line and self._has_room(plan, begin_until):
            self._begin(order, plan)
        elif not line_is_full:
            self._line.append((order, plan))
        else:
            raise self._full()

    def _full(self) -> Full:
        return Full(
            f"at most {self._limits.waiting} paintings wait in the line, and there are "
            f"{len(self._line)}",
            self._retry_after(),
        )

    def _retry_after(self) -> int:
        told = [job.progress.eta for job in self._scheduler.jobs]
        etas = [eta for eta in told if eta is not None]
        return max(1, min(RETRY_SECONDS, round(min(etas, default=RETRY_SECONDS))))

    def _admit(self, begin_until: float) -> None:
        while self._line and self._has_room(self._line[0][1], begin_until):
            order, plan = self._line.pop(0)
            with self._answering(order):
                self._begin(order, plan)

    def _has_room(self, plan: Plan, begin_until: float) -> bool:
        has_place = self._running < self._limits.running and not self.device_lost
        has_time = self._clock() < begin_until
        return has_place and has_time and self._painter.fits(plan, self._scheduler.jobs)

    def _begin(self, order: Order, plan: Plan) -> None:
        job = self._painter.start(plan)
        self._scheduler.add(job)
        order.accept(job)
        self._evaluations += job.progress.step

    def _paint(self, seconds: float) -> None:
        if self.device_lost:
            time.sleep(seconds)  # so that the process ends during a call, which breaks connections
            return
        jobs = self._scheduler.jobs
        before = sum(job.progress.step for job in jobs)
        with self._answering(*(order for order, job in self._live() if job in jobs)):
            self._scheduler.advance(seconds)
        self._evaluations += sum(job.progress.step for job in jobs) - before

    def _report(self) -> None:
        now = self._clock()
        for position, (order, _) in enumerate(self._line, start=1):
            order.wait(position, now)
        for order, job in self._live():
            with self._answering(order):
                order.report(job, now)
                if job.finished and not order.encoding:
                    self._encode(order, job)

    def _encode(self, order: Order, job: Job) -> None:
        if job.error and (order.events or not order.begun):
            raise job.error
        order.encoding = self._encoder.submit(job.result)

    def _deliver(self) -> None:
        """Takes paintings from the encoder; where no other is made, it waits for one."""
        encoded = [order.encoding for order, _ in self._live() if order.encoding]
        seconds = QUICK_SECONDS if self._running else self._limits.slice_seconds
        wait(encoded, seconds, FIRST_COMPLETED)
        for order, job in self._live():
            if order.encoding and order.encoding.done():
                with self._answering(order):
                    order.finish(job, order.encoding.result())

    def _reply(self, orders: Sequence[Order]) -> list[Reply]:
        """Small pieces for all, and one large piece for the first that has much to tell."""
        now = self._clock()
        large = next((order for order in orders if order.pending > SMALL_BYTES), None)
        small = sum(min(order.pending, SMALL_BYTES) for order in orders if order is not large)
        most = max(SMALL_BYTES, REPLY_BYTES - small)
        replies = [order.take(most if order is large else SMALL_BYTES, now) for order in orders]
        for order in orders:
            if order.ended and not order.pending:
                self._close(order)
        return replies

    @property
    def _running(self) -> int:
        return len(self._scheduler.jobs)

    def _live(self) -> list[tuple[Order, Job]]:
        return [(order, order.job) for order in self._orders.values() if order.job]

    def _close(self, order: Order) -> None:
        del self._orders[order.id]
        self._ends[order.outcome] += 1
        if order.outcome != "described":
            logger.info(order.summary(self._clock()))

    def _forget(self, orders: Sequence[Order]) -> None:
        for order in orders:
            self._free(order)
            order.cancel()
            self._close(order)

    def _free(self, order: Order) -> None:
        self._line = [(other, plan) for other, plan in self._line if other is not order]
        if order.job:
            self._scheduler.remove(order.job)

    def _fail(self, orders: Sequence[Order], error: PaintError) -> None:
        for order in orders:
            self._free(order)
            order.fail(error)

    def _lose_device(self) -> None:
        """Tells everyone, but in a picture, where only a broken connection can tell."""
        self.device_lost = True
        error = Interrupted("the device failed, and the worker is being started anew")
        told = [order for order in self._orders.values() if order.events or not order.begun]
        self._fail([order for order in told if not order.ended], error)
