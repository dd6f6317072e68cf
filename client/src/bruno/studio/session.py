"""What the studio keeps of one visitor."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bruno.client import Bruno
from bruno.errors import BrunoError
from bruno.painting import Painting
from bruno.stream import Stream
from bruno.studio.masks import Place
from bruno.studio.telling import Shown
from bruno.studio.tries import Try, make_try, shown_file, title_of

TRIES_MOST: Final = 24
TRIES_BYTES: Final = 256 * 2**20
_SENDING: Final = "Sending the pictures."
_FULL: Final = "The server is full: this painting joins the line as soon as there is a place."


@dataclass(frozen=True)
class Order:
    """One painting that is asked for: files, and the rest of the request."""

    photo: str
    styles: list[str]
    request: Mapping[str, Any]

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


@dataclass
class Session:
    """One visitor's tries, masks and running painting; never shared between visitors.

    `told` is whether the page has the server's defaults, `away` whether the server was away,
    `busy` whether the page paints.
    """

    tries: list[Try] = field(default_factory=list)
    masks: dict[Place, bytes] = field(default_factory=dict)
    told: bool = False
    away: bool = False
    chosen: int | None = None
    made: int = 0
    running: Stream | None = None
    stopping: bool = False
    busy: bool = False

    def stop(self) -> None:
        """Ends the painting at once, even one that has not begun yet."""
        self.stopping = True
        if self.running:
            self.running.cancel()

    def find(self, number: int | None) -> Try | None:
        """The try of this number, if it is still kept."""
        return next((one for one in self.tries if one.number == number), None)

    def forget(self, number: int | None) -> None:
        """Drops a try."""
        self.tries = [one for one in self.tries if one.number != number]
        self.chosen = self.tries[-1].number if self.tries else None

    def paint(self, client: Bruno, order: Order) -> Generator[Shown, None, None]:
        """Paints, and yields what is to be shown after every event.

        However it ends, the best canvas is kept as a try. Closing the generator cancels; a stop
        counts from this call on, before anything is yielded.
        """
        self.stopping = False
        return self._paint(client, order)

    def _paint(self, client: Bruno, order: Order) -> Generator[Shown, None, None]:
        shown = Shown()
        description: Mapping[str, Any] = {}
        try:
            self.away = True
            description = client.describe()
            self.away = False
            yield (shown := shown.saying(_begins(description)))
            with client.stream(order.photo, order.styles, **order.request) as self.running:
                if self.stopping:
                    self.running.cancel()
                for event in self.running:
                    shown = shown.after(event)
                    if shown.painting:
                        self._keep(order, shown.painting)
                    yield shown
            end, reason = shown.stopped(), "stopped"
        except BrunoError as error:
            end, reason = shown.failed(error), "broken off"
        finally:
            self.running = None
        if not shown.painting:
            known = order.record(description) if shown.canvas else {}
            canvas = shown.so_far.painting(reason, **known)
            if canvas:
                self._keep(order, canvas)
            yield end

    def _keep(self, order: Order, painting: Painting) -> None:
        self.made += 1
        title = title_of(order.photo, order.styles)
        self.tries.append(make_try(self.made, title, painting, shown_file(order.photo)))
        self.chosen = self.made
        while len(self.tries) > 1 and self._hold_too_much():
            del self.tries[0]

    def _hold_too_much(self) -> bool:
        return len(self.tries) > TRIES_MOST or sum(one.size for one in self.tries) > TRIES_BYTES


def _begins(description: Mapping[str, Any]) -> str:
    return _FULL if description["health"] == "full" else _SENDING
