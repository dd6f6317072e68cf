"""What the studio keeps of one visitor."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bruno.client import Bruno
from bruno.errors import BrunoError, InvalidInputError
from bruno.events import Accepted, Preview
from bruno.live import Live
from bruno.painting import Painting
from bruno.studio.dials import Dials
from bruno.studio.lapse import Film
from bruno.studio.masks import Place
from bruno.studio.order import Order, Queue
from bruno.studio.tries import Try, make_try, shown_file
from bruno.studio.view_state import ViewState

TRIES_MOST: Final = 24
TRIES_BYTES: Final = 256 * 2**20
_SENDING: Final = "Sending the pictures."
_FULL: Final = "The server is full: this painting joins the queue as soon as there is a place."

States = Generator[ViewState, None, None]
# Held for moments only, so that one serves all visitors: a lock could not be copied with a session.
_LOCK: Final = threading.Lock()


@dataclass
class Session:
    """One visitor's tries, masks, dials and paintings; never shared between visitors.

    `away` is whether the server was away, `last` what was asked for last; of the tries that were
    made so many are `shown` on the page; `running` is what is painted and may still be changed.
    """

    tries: list[Try] = field(default_factory=list)
    masks: dict[Place, bytes] = field(default_factory=dict)
    dials: Dials = field(default_factory=Dials)
    queue: Queue = field(default_factory=Queue)
    last: Order | None = None
    away: bool = False
    chosen: int | None = None
    made: int = 0
    shown: int = 0
    running: Live | None = None
    stopping: bool = False

    @property
    def size(self) -> int:
        """The bytes of all pictures that are kept."""
        return sum(one.size for one in self.tries) + sum(map(len, self.masks.values()))

    def stop(self) -> None:
        """Ends the painting at once, even one that has not begun yet, and all that wait."""
        self.queue.clear()
        self.stopping = True
        if self.running:
            self.running.cancel()

    def change(self, order: Order) -> bool:
        """Goes on with what is painted as another order has it; returns False where nothing is.

        Raises InvalidInputError where that is of another photo, or nothing would change.
        """
        if not self.running or not self.last:
            return False
        now = order.in_place_of(self.last)
        changes = now.changes(self.last)
        if not changes:
            raise InvalidInputError("This canvas is painted with these dials already")
        with _LOCK:
            if not self.running:
                return False
            self.running.change(**changes)
            self.last = now
        return True

    def find(self, number: int | None) -> Try | None:
        """The try of this number, if it is still kept."""
        return next((one for one in self.tries if one.number == number), None)

    def forget(self, number: int | None) -> None:
        """Drops a try."""
        self.tries = [one for one in self.tries if one.number != number]
        self.chosen = self.tries[-1].number if self.tries else None

    def paint(self, client: Bruno, order: Order) -> States:
        """Paints, and yields what is to be shown after every event.

        However it ends, the best canvas is kept as a try. Closing the generator cancels; a stop
        counts from this call on, before anything is yielded.
        """
        self.stopping = False
        self.last = order
        return self._paint(client, order)

    def _paint(self, client: Bruno, order: Order) -> States:
        shown, film, end = ViewState(), Film(), None
        description: Mapping[str, Any] = {}
        try:
            self.away = True
            description = client.describe()
            self.away = False
            yield (shown := shown.saying(_begins(description)))
            with client.live(order.photo, order.styles, **order.request) as live:
                self._may_change(live)
                for event in live:
                    self._may_change(None if isinstance(event, Painting) else live)
                    order = self.last if isinstance(event, Accepted) and self.last else order
                    shown = shown.after(event)
                    film = film.after(event.data) if isinstance(event, Preview) else film
                    if shown.painting:
                        self._keep(order, shown.painting, film)
                    yield shown
            end, reason = shown.stopped(), "stopped"
        except BrunoError as error:
            end, reason = shown.failed(error), "broken off"
        finally:
            self.running = None
            if not shown.painting and not end and shown.canvas:  # the visitor left the page
                self._keep_canvas(order, shown, "left", description, film)
        if not shown.painting:
            self._keep_canvas(order, shown, reason, description, film)
        if not shown.painting or end.trouble:
            yield end

    def _may_change(self, live: Live | None) -> None:
        """After its last event a painting takes no change: a change before is still seen."""
        with _LOCK:
            self.running = live
            if live and self.stopping:
                live.cancel()

    def _keep_canvas(
        self,
        order: Order,
        shown: ViewState,
        reason: str,
        description: Mapping[str, Any],
        film: Film,
    ) -> None:
        known = order.record(description) if shown.canvas else {}
        canvas = shown.so_far.painting(reason, **known)
        if canvas:
            self._keep(order, canvas, film)

    def _keep(self, order: Order, painting: Painting, film: Film) -> None:
        self.made += 1
        photo = shown_file(order.photo)
        self.tries.append(make_try(self.made, order, painting, photo, film))
        self.chosen = self.made
        while len(self.tries) > 1 and self._hold_too_much():
            del self.tries[0]

    def _hold_too_much(self) -> bool:
        return len(self.tries) > TRIES_MOST or sum(one.size for one in self.tries) > TRIES_BYTES


def _begins(description: Mapping[str, Any]) -> str:
    return _FULL if description["health"] == "full" else _SENDING
