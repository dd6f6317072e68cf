"""A painting whose options change while its canvas goes on, without the network between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from bruno.events import Accepted, Event, Preview
from bruno.inputs import Picture
from bruno.options import Request
from bruno.painting import Painting
from bruno.records import Place
from bruno.tasks import Task

# What decides how many levels there are: after a change of it the canvas begins at the coarsest.
_PYRAMID: Final = frozenset({"levels", "preset", "size"})
_STARTS: Final = frozenset({"canvas", "init", "init_noise", "resume"})


class LiveState:
    """What is painted now, how far it is, and whether another painting is asked for.

    The next one starts from the last canvas, at the level where that was seen, so that it keeps
    its detail.
    """

    def __init__(
        self, content: Picture, style: Picture | Sequence[Picture], options: Request
    ) -> None:
        self._content, self._style = content, style
        self._options: dict[str, Any] = dict(options)
        self._levels = 0
        self._place: Place | None = None
        self.is_asked = True
        self.canvas: bytes | None = None

    def change(self, style: Picture | Sequence[Picture] | None, options: Request) -> None:
        """Asks for another painting, with these options instead; None leaves one to the server."""
        if style is not None:
            self._style = style
        if _PYRAMID & options.keys():
            self._place = None
        self._options |= options
        self.is_asked = True

    def next_task(self) -> Task | None:
        """The painting that is asked for, which is so no more; None without one."""
        if not self.is_asked:
            return None
        self.is_asked = False
        options = self._options
        if self.canvas:
            start = {"canvas": self.canvas, "resume": self._place}
            options = {name: value for name, value in options.items() if name not in _STARTS}
            options |= start
        return Task(self._content, self._style, cast(Request, options))

    def note(self, event: Event) -> None:
        """Takes in one more event of the painting."""
        if isinstance(event, Accepted):
            self._levels = len(event.levels)
        elif isinstance(event, Preview):
            self.canvas, self._place = event.data, Place(level=event.level, step=0)
        elif isinstance(event, Painting):
            self.canvas, self._place = event.data, Place(level=self._levels, step=0)
