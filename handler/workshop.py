"""What is done for the orders: they are decoded in the line, painted by the engine, and encoded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import torch

from answers import Interrupted
from description import Limits
from line import Line
from order import Order
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
from pools import Pools

RETRY_SECONDS: Final = 60


class Workshop:
    """Moves orders on whenever it is asked to; what it waits for meanwhile rings its bell."""

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
        self._line = Line(self.painter, self._ledger, self._pools)
        self._begun: list[Order] = []

    @property
    def running(self) -> int:
        """How many are in the engine's hands."""
        return len(self._painting())

    @property
    def waiting(self) -> int:
        """How many stand in the line."""
        return len(self._line)

    def place(self, order: Order, request: Request) -> None:
        """Puts a request into the line; raises PaintError where that is refused."""
        if self.engine.lost:
            raise _interrupted()
        free = 0 if self._line.is_short_of_memory else self.limits.running - self.running
        if len(self._line) >= self.limits.waiting + free:
            raise Full(
                f"at most {self.limits.waiting} paintings wait in the line, and there are "
                f"{len(self._line)}",
                self._retry_after(),
            )
        if not self._line.add(order, request):
            raise Full(
                "there is no memory for the files of one more request beside those of the "
                f"{len(self._line)} that wait",
                self._retry_after(),
            )

    def move(self) -> None:
        """Moves each order on as far as it goes without waiting for anything."""
        if self.engine.lost:
            self._lose_device()
        else:
            for order in self._line.decoded():
                with self._answering(order):
                    self._line.take_in(order)
            for order, mailbox in self._painting():
                with self._answering(order):
                    self._hear(order, mailbox)
        for order in list(self._begun):
            with self._answering(order):
                self._take_pictures(order)
        if not self.engine.lost:
            self._admit()

    def report(self) -> None:
        """Tells how far each painting is."""
        for order in self._begun:
            if order.accepted and order.mailbox is not None and order.mailbox.progress is not None:
                order.report(order.mailbox.progress, self._clock())

    def free(self, order: Order) -> None:
        """Stops whatever is done for an order; its memory is released when that has stopped."""
        self._line.remove(order)
        if order not in self._begun:
            return
        self._begun.remove(order)
        if order.mailbox is not None:
            self.engine.drop(order.mailbox)
        if order.hold is None:
            return
        if order.encoding is None:
            order.hold.release()
        else:
            order.encoding.cancel()
            order.encoding.add_done_callback(order.hold.release)

    def close(self) -> None:
        """Ends all threads; nothing is done any more."""
        self.engine.close()
        self._pools.close()

    @contextmanager
    def _answering(self, order: Order) -> Iterator[None]:
        """Whatever goes wrong inside is the answer of this order alone."""
        try:
            yield
        except Exception as error:
            self.free(order)
            order.fail(as_paint_error(error))

    def _retry_after(self) -> int:
        told = [mailbox.progress for _, mailbox in self._painting()]
        etas = [progress.eta for progress in told if progress and progress.eta is not None]
        return max(1, min(RETRY_SECONDS, round(min(etas, default=RETRY_SECONDS))))

    def _painting(self) -> list[tuple[Order, Mailbox]]:
        return [
            (order, order.mailbox)
            for order in self._begun
            if order.mailbox is not None and order.encoding is None
        ]

    def _admit(self) -> None:
        """Has those painted that there is a place for, and decides on those that must wait."""
        for order, plan, hold in self._line.advance(self.limits.running - self.running):
            order.mailbox = self.engine.begin(plan, shows=order.events)
            order.mailbox.gone.add_done_callback(hold.release)
            self._begun.append(order)
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

    def _lose_device(self) -> None:
        """Tells everyone, but in a picture, where only a broken connection can tell."""
        painting = [order for order, _ in self._painting()]
        for order in (*self._line.orders, *painting):
            if order.events or not order.begun:
                self.free(order)
                order.fail(_interrupted())


def _interrupted() -> Interrupted:
    return Interrupted("the device failed, and the worker is being started anew")
