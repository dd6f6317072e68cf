"""Line 1: how soon a painting is as good as a peer's finished one, through the library."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
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

# What a user may choose among, all else being default: how styles are compared, and how much
# the photo counts, from most to least.
STYLE_LOSSES: Final = ("gram", "wasserstein")
ALPHAS: Final = (2.0, 1.0, 0.5, 0.25, 0.12, 0.06, 0.03, 0.015)
# A style loss, an alpha and a number of steps.
Balance = tuple[str, float, int]


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

    style_loss: str
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
        """The first number of steps at which a painting is as good; the fastest of its kind.

        Raises OutOfTimeError where that is not known by the hour, of time.monotonic().
        """
        probed = self._ladder[len(self._ladder) // 2]
        place = self._balance(goal, probed)
        for steps in self._ladder:
            # Fewer steps leave a larger content error than was probed, more a smaller one.
            first = max(0, place - 1) if steps < probed else place
            candidates = []
            for balance in product(STYLE_LOSSES, ALPHAS[first : first + 2], [steps]):
                looks = self._looks(balance)
                good = (index for index, look in enumerate(looks) if look.errors.as_good_as(goal))
                candidates += [(looks[index].seconds, balance, index) for index in good][:1]
            if candidates:
                _, balance, index = min(candidates)
                look, seconds = self._looks(balance)[index], self._again(balance, index)
                return Found(*balance, look.steps, look.errors, seconds)
        return None

    def _balance(self, goal: Errors, steps: int) -> int:
        """Where the least alpha is that holds the goal's content error: it leaves most to style."""
        low, high = 0, len(ALPHAS) - 1
        while low < high:
            middle = (low + high + 1) // 2
            last = self._looks(("wasserstein", ALPHAS[middle], steps))[-1]
            holds = last.errors.content <= goal.content
            low, high = (middle, high) if holds else (low, middle - 1)
        return low

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
        style_loss, alpha, steps = balance
        options = {"style_loss": style_loss, "alpha": alpha}
        return watch(self._painter, self._scene, options, steps)


def as_json(found: Found | None, search: Search, goal: Errors) -> dict[str, Any]:
    """What is kept of a search: the find, or how near the best balance came."""
    if found is not None:
        looks = search.judged[found.style_loss, found.alpha, found.steps]
        own = {**asdict(found), "median": median(found.seconds)}
    else:
        looks = min(search.judged.values(), key=lambda looks: _excess(looks[-1].errors, goal))
        own = {"nearest": asdict(looks[-1].errors), "seconds": [looks[-1].seconds]}
    return {**own, "trajectory": [[look.seconds, asdict(look.errors)] for look in looks]}


def _excess(errors: Errors, goal: Errors) -> float:
    """The largest of the three errors, as a multiple of the goal's."""
    pairs = zip(asdict(errors).values(), asdict(goal).values(), strict=True)
    return max(float(own / target) for own, target in pairs)
