"""When to try again, and how to go on where a stream broke."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import SystemRandom
from typing import Final

from bruno.errors import (
    BrunoError,
    ConnectError,
    ServerFullError,
    StreamBrokenError,
    WorkerRestartedError,
)
from bruno.events import Accepted, Event, Preview, Progress
from bruno.painting import Painting
from bruno.protocol.request import Form
from bruno.records import Mended

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
RESUMED_FROM: Final = 0.25

RETRIED: Final = (ConnectError, StreamBrokenError, ServerFullError, WorkerRestartedError)
"""What is tried again."""

WAITED_FOR: Final = (ConnectError, ServerFullError)
"""What only time mends, as long as patience lasts; the others are counted."""

_random = SystemRandom()


def pause_before(retry: int, problem: BrunoError) -> float:
    """Seconds before a retry, counted from 1: doubled each time, with jitter.

    Never less than the server's hint.
    """
    pause = min(FIRST_PAUSE * 2.0 ** (retry - 1), LONGEST_PAUSE)
    hint = (problem.retry_after or 0.0) if isinstance(problem, ServerFullError) else 0.0
    return max(hint, pause) * _random.uniform(1, 1.25)


@dataclass
class Retries:
    """How often a painting may fail in a row, and how many seconds it may be kept waiting.

    `clock` tells seconds. What was done of a painting begins both anew.
    """

    most: int
    patience: float
    clock: Callable[[], float]
    tries: int = 0
    failures: int = 0
    waiting_since: float | None = None

    def after(
        self, problem: BrunoError, has_begun: bool, has_gained: bool, was_taken_in: bool = False
    ) -> tuple[float, str]:
        """Seconds to pause, and how much is left, in words; raises the problem where nothing is."""
        if has_gained:
            self.tries = self.failures = 0
        if has_begun:
            self.waiting_since = None
        self.tries += 1
        # Whatever stands before a server that is started anew hangs up on whoever it had taken in.
        is_away = isinstance(problem, StreamBrokenError) and problem.before_it_began
        is_waited_for = isinstance(problem, WAITED_FOR) or (is_away and was_taken_in)
        return self._wait(problem) if is_waited_for else self._count(problem)

    def _wait(self, problem: BrunoError) -> tuple[float, str]:
        now = self.clock()
        self.waiting_since = now if self.waiting_since is None else self.waiting_since
        left = self.waiting_since + self.patience - now
        hint = (problem.retry_after or 0.0) if isinstance(problem, ServerFullError) else 0.0
        was_never_reached = isinstance(problem, ConnectError) and self.tries == 1
        if left <= 0 or hint > left or was_never_reached:
            raise problem
        return min(pause_before(self.tries, problem), left), f"for {left:.0f} s at most"

    def _count(self, problem: BrunoError) -> tuple[float, str]:
        self.failures += 1
        if self.failures > self.most:
            raise problem
        return pause_before(self.tries, problem), f"{self.failures} of {self.most}"


@dataclass(frozen=True)
class Attempt:
    """One try at a painting: what is sent, what came of it, and how often it was begun again.

    `from_preview` is where it goes on from; with a later `preview` it has gained something.
    """

    form: Form
    begun: bool = False
    share: float = 0.0
    from_preview: Preview | None = None
    preview: Preview | None = None
    resumes: int = 0
    restarts: int = 0

    def after(self, event: Event) -> Attempt:
        """The attempt with this event counted in."""
        if isinstance(event, Accepted):
            return replace(self, begun=True)
        if isinstance(event, Progress):
            return replace(self, share=event.share)
        if isinstance(event, Preview):
            return replace(self, preview=event)
        return self

    @property
    def has_gained(self) -> bool:
        """Whether the next attempt goes on from further than this one did.

        Such an attempt was no failure: a painting may break as often as it does some more.
        """
        if not self.preview or self.share < RESUMED_FROM:
            return False
        return not self.from_preview or _place(self.preview) > _place(self.from_preview)

    def again(self) -> Attempt:
        """The next attempt: from the last preview when a quarter was done, else anew."""
        if not self.begun:
            return self
        if self.preview and self.share >= RESUMED_FROM:
            form = self.form.going_on_from(self.preview)
            goes_on = replace(self, form=form, begun=False, from_preview=self.preview)
            return replace(goes_on, resumes=self.resumes + 1)
        return Attempt(self.form, resumes=self.resumes, restarts=self.restarts + 1)

    def sign(self, painting: Painting) -> Painting:
        """The painting, with a note in its record where its stream was broken."""
        if not self.resumes and not self.restarts:
            return painting
        note = Mended(resumes=self.resumes, restarts=self.restarts)
        return replace(painting, record={**painting.record, "client": note})


def _place(preview: Preview) -> tuple[int, int]:
    return preview.level, preview.step
