"""What the engine tells of a painting, for any other thread to read."""

from __future__ import annotations

import math
import threading
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from painter.errors import PaintError
from painter.painting.progress import Progress
from painter.painting.snapshots import PreviewSnapshot, Snapshot
from painter.planning.plan import Plan


@dataclass(frozen=True, slots=True)
class News:
    """What there is to tell of a painting.

    `progress` is None until it is begun. It has `ended` with what can be encoded, with an error,
    or with both.
    """

    progress: Progress | None = None
    preview: PreviewSnapshot | None = None
    ended: bool = False
    snapshot: Snapshot | None = None
    error: PaintError | None = None


class Mailbox:
    """One painting in the engine's hands, as any other thread sees it.

    `gone` is done once the device holds nothing of it any more.
    """

    def __init__(self, plan: Plan, shows: bool) -> None:
        self.plan = plan
        self.gone: Future[None] = Future()
        self._every = plan.options.preview_every if shows else 0.0
        self._previewed = -math.inf
        self._lock = threading.Lock()
        self._news = News()

    def read(self) -> News:
        """What there is to tell now; a preview is told once."""
        with self._lock:
            news = self._news
            self._news = replace(news, preview=None)
            return news

    @property
    def progress(self) -> Progress | None:
        """The progress that was told last."""
        return self._news.progress

    def wants_preview(self, now: float) -> bool:
        """Whether a preview is due, and the one before was read."""
        is_due = bool(self._every) and now >= self._previewed + self._every
        return is_due and self._news.preview is None

    def put(self, now: float, **changes: Any) -> None:
        """Adds what is new, by the names of `News`."""
        with self._lock:
            self._news = replace(self._news, **changes)
            if "preview" in changes:
                self._previewed = now
