"""One painting that is asked for, and the orders that wait for their turn."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from bruno.studio.controls import CONTROLS

LARGER: Final = 2
_LEVELS_LARGER: Final = 2

_T = TypeVar("_T")
# Held for moments only, so that one serves all visitors: a lock could not be copied with a queue.
_LOCK: Final = threading.Lock()


@dataclass(frozen=True)
class Order:
    """One painting: files, the rest of the request, and what sets it apart from its siblings."""

    photo: str
    styles: list[str]
    request: Mapping[str, Any]
    note: str = ""

    def record(self, description: Mapping[str, Any]) -> dict[str, Any]:
        """What a record tells of the pictures and of the server that described itself."""
        photo, *styles = (
            hashlib.sha256(Path(path).read_bytes()).hexdigest()
            for path in (self.photo, *self.styles)
        )
        return {
            "style_weights": self.request.get("style_weights", [1.0] * len(styles)),
            "digests": {"content": photo, "styles": styles},
            "weights": description["weights"]["sha256"],
            "device": description["device"],
        }

    def larger(self, canvas: bytes, side: int) -> Order:
        """The same painting, gone on with from a finished canvas at twice its longest side.

        Two levels: the first has the canvas's own size, and coarser ones would undo it.
        """
        size = min(LARGER * side, int(CONTROLS["size"].high))
        given = {"canvas": canvas, "init": "image", "size": size, "levels": _LEVELS_LARGER}
        return replace(self, request={**self.request, **given}, note=f"larger, {size} px")


@dataclass(frozen=True)
class Queued:
    """An order with the number that its line on the page has."""

    number: int
    order: Order


@dataclass
class Queue:
    """The orders of one visitor: the one that is painted, and those that wait.

    `finished` is whether the one that is painted is done, so that it may be asked for again.
    """

    painting: Queued | None = None
    finished: bool = False
    waiting: list[Queued] = field(default_factory=list)
    _made: int = 0

    def add(self, orders: Sequence[Order]) -> bool:
        """Takes orders in, but none that is there already: a double click paints once.

        Returns whether nobody is painting yet, so that the caller has to begin.
        """
        with _LOCK:
            painting = None if self.finished else self.painting
            there = [one.order for one in (painting, *self.waiting) if one]
            for order in orders:
                if order not in there:
                    there.append(order)
                    self._made += 1
                    self.waiting.append(Queued(self._made, order))
            return self.painting is None

    def next(self, begin: Callable[[Order], _T]) -> _T | None:
        """Begins the next order, if any, and nothing can come between it and its turn."""
        with _LOCK:
            self.painting = self.waiting.pop(0) if self.waiting else None
            self.finished = False
            return begin(self.painting.order) if self.painting else None

    def drop(self, number: int) -> None:
        """Takes an order out that waits."""
        with _LOCK:
            self.waiting = [one for one in self.waiting if one.number != number]

    def clear(self) -> None:
        """Takes all out that wait."""
        with _LOCK:
            self.waiting = []

    def end(self) -> None:
        """Nobody paints any more, and nothing waits."""
        with _LOCK:
            self.painting, self.waiting, self.finished = None, [], False
