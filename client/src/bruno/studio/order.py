"""One painting that is asked for, and the orders that wait for their turn."""

from __future__ import annotations

import filecmp
import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from bruno.errors import InvalidInputError
from bruno.painting import Painting
from bruno.studio.controls import CONTROLS

LARGER: Final = 2
_LEVELS_LARGER: Final = 2
# What decides how many levels there are.
_PYRAMID: Final = ("size", "levels", "preset")

_T = TypeVar("_T")
# Held for moments only, so that one serves all visitors: a lock could not be copied with a queue.
_LOCK: Final = threading.Lock()


@dataclass(frozen=True)
class Order:
    """One painting: files, the rest of the request, and what sets it apart from its siblings.

    `given` names what the dials do not decide, where it goes on from a canvas.
    """

    photo: str
    styles: list[str]
    request: Mapping[str, Any]
    note: str = ""
    given: tuple[str, ...] = ()

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
        request = {**self.request, **given}
        return replace(self, request=request, note=f"larger, {size} px", given=tuple(given))

    def going_on(self, painting: Painting) -> Order:
        """The same, from a painting's canvas: at the finest level, so that it keeps its detail.

        Where another size or number of levels is asked for, it begins at the coarsest.
        """
        record = painting.record
        request = {**self.request, "canvas": painting.data}
        request.pop("resume", None)
        if "levels" in record and all(self._is_as_in(record["options"], name) for name in _PYRAMID):
            request["resume"] = {"level": len(record["levels"]), "step": 0}
        given = tuple(sorted({*self.given, "canvas", "resume"} & request.keys()))
        return replace(self, request=request, note="gone on", given=given)

    def _is_as_in(self, options: Mapping[str, Any], name: str) -> bool:
        here = self.request.get(name)
        return here is None or here == options.get(name)

    def in_place_of(self, before: Order) -> Order:
        """What this one asks for, as far as its dials decide it, of the canvas of another.

        Raises InvalidInputError where that is of another photo.
        """
        if not filecmp.cmp(self.photo, before.photo, shallow=False):
            raise InvalidInputError("This canvas is of another photo: choose Paint")
        given = {name: before.request[name] for name in before.given}
        note = before.note if given else ""
        return replace(self, request={**self.request, **given}, note=note, given=before.given)

    def changes(self, before: Order) -> dict[str, Any]:
        """What differs from another order, as a live painting takes it."""
        names = {**before.request, **self.request}
        pairs = {name: (before.request.get(name), self.request.get(name)) for name in names}
        changed = {name: now for name, (then, now) in pairs.items() if now != then}
        return changed | ({"style": self.styles} if self.styles != before.styles else {})


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
    _is_taken: bool = False

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
            is_taken, self._is_taken = self._is_taken, True
            return not is_taken

    def next(self, begin: Callable[[Order], _T]) -> _T | None:
        """Begins the next order, if any, and nothing can come between it and its turn.

        Without one, whoever comes next has to begin.
        """
        with _LOCK:
            self.painting = self.waiting.pop(0) if self.waiting else None
            self.finished, self._is_taken = False, bool(self.painting)
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
            self._is_taken = False
