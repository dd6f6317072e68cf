"""Line 1: how soon a painting is as good as a peer's finished one, through the library."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from judge import Errors, Judge
from painter.descent import JUDGED_EVERY
from painter.options import read_options
from painter.painting import Painter
from painter.passes import evaluate
from painter.request import Request
from painter.styles import StyleCache
from pairs import Scene

# What a user may choose among, all else being default: how much the photo counts, and for how
# long. Wasserstein-2 is what brings both of the judge's style errors down together.
STYLE_LOSS: Final = "wasserstein"
_ALPHA: Final = 0.3
# The balance is looked for from here, by this factor until the goal lies between two, then halving.
_APART: Final = 1.6
_CLOSE: Final = 1.08
_TRIES: Final = 4
# An alpha and a number of steps.
Balance = tuple[float, int]


class OutOfTimeError(Exception):
    """The search had to end before it knew."""


@dataclass(frozen=True)
class Snapshot:
    """The best canvas so far as a PNG, the steps and the seconds from pictures in to PNG out."""

    steps: int
    seconds: float
    data: bytes


@dataclass(frozen=True)
class Look:
    """What the judge says of a snapshot."""

    steps: int
    seconds: float
    errors: Errors


@dataclass(frozen=True)
class Found:
    """The soonest painting as good as a peer's; `seconds` has one time for each repetition.

    It was there after `done` of its `steps`.
    """

    alpha: float
    steps: int
    done: int
    errors: Errors
    seconds: list[float]


def watch(painter: Painter, scene: Scene, options: Mapping[str, Any], steps: int) -> list[Snapshot]:
    """Paint a scene, and take the best canvas of the last level out whenever there is a new one.

    What the looking costs is not counted, except for the one PNG that would be the answer.
    """
    painter.styles = StyleCache(2**28)
    asked = read_options({"size": scene.size, "steps": steps, **options})
    began = time.perf_counter()
    request = Request(asked, scene.content.read_bytes(), (scene.style.read_bytes(),))
    job = painter.begin(request)
    active = time.perf_counter() - began
    snapshots: list[Snapshot] = []
    first = 0
    while not job.finished:
        began = time.perf_counter()
        job.tell(evaluate(painter.vgg, [job.ask])[0] if job.ask else None)
        active += time.perf_counter() - began
        now = job.progress
        if now.level < now.levels:
            first = now.step
        due = now.step > first and (now.step - first) % JUDGED_EVERY == 0
        if job.finished or (due and (not snapshots or snapshots[-1].steps < now.step)):
            began = time.perf_counter()
            data = job.result().data
            snapshots.append(Snapshot(now.step, active + time.perf_counter() - began, data))
    return snapshots


class Search:
    """Paints one scene with more and more steps until an hour, and remembers what came of it."""

    def __init__(
        self,
        painter: Painter,
        judge: Judge,
        scene: Scene,
        ladder: Sequence[int],
        repeats: int,
        until: float = math.inf,
    ) -> None:
        self._painter, self._judge, self._scene = painter, judge, scene
        self._ladder, self._repeats, self._until = ladder, repeats, until
        self.judged: dict[Balance, list[Look]] = {}

    def soonest(self, goal: Errors) -> Found | None:
        """The first number of steps at which a painting is as good, in the balance that suits it.

        Raises OutOfTimeError where that is not known by the hour, of time.monotonic().
        """
        alpha = _ALPHA
        for steps in self._ladder:
            low, high = 0.0, math.inf
            for _ in range(_TRIES):
                found = self._as_good(alpha, steps, goal)
                if found is not None:
                    return found
                last = self._looks((alpha, steps))[-1].errors
                if last.content <= goal.content:
                    high = alpha
                elif last.gram <= goal.gram and last.wasserstein <= goal.wasserstein:
                    low = alpha
                else:
                    break  # what lowers the one raises the others: it takes more steps
                if high < low * _CLOSE:
                    break
                alpha = _between(low, high)
        return None

    def _as_good(self, alpha: float, steps: int, goal: Errors) -> Found | None:
        for index, look in enumerate(self._looks((alpha, steps))):
            if look.errors.as_good_as(goal):
                seconds = self._again((alpha, steps), index)
                return Found(alpha, steps, look.steps, look.errors, seconds)
        return None

    def _looks(self, balance: Balance) -> list[Look]:
        if balance not in self.judged:
            self.judged[balance] = [
                Look(shot.steps, shot.seconds, self._judge.errors(shot.data))
                for shot in self._watch(balance)
            ]
        return self.judged[balance]

    def _again(self, balance: Balance, index: int) -> list[float]:
        return [self._watch(balance)[index].seconds for _ in range(self._repeats)]

    def _watch(self, balance: Balance) -> list[Snapshot]:
        if time.monotonic() > self._until:
            raise OutOfTimeError
        alpha, steps = balance
        options = {"style_loss": STYLE_LOSS, "alpha": alpha}
        return watch(self._painter, self._scene, options, steps)


def as_json(found: Found | None, search: Search, goal: Errors) -> dict[str, Any]:
    """What is kept of a search: the find, or how near the best balance came."""
    if found is not None:
        looks = search.judged[found.alpha, found.steps]
        own = {**asdict(found), "median": median(found.seconds)}
    else:
        looks = min(search.judged.values(), key=lambda looks: _excess(looks[-1].errors, goal))
        own = {"nearest": asdict(looks[-1].errors), "seconds": [looks[-1].seconds]}
    return {**own, "trajectory": [[look.seconds, asdict(look.errors)] for look in looks]}


def _between(low: float, high: float) -> float:
    """The next alpha to try, in two digits, between what was too small and what too large."""
    if low == 0:
        alpha = high / _APART
    elif high == math.inf:
        alpha = low * _APART
    else:
        alpha = math.sqrt(low * high)
    return float(f"{alpha:.2g}")


def _excess(errors: Errors, goal: Errors) -> float:
    """The largest of the three errors, as a multiple of the goal's."""
    pairs = zip(asdict(errors).values(), asdict(goal).values(), strict=True)
    return max(float(own / target) for own, target in pairs)
