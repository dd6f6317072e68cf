"""Line 1: how soon a painting is as good as a peer's finished one, through the library."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from judge import CONTENT_CONVOLUTION, STYLE_CONVOLUTIONS, Errors, Judge
from painter.engine.painter import Painter
from painter.options.reading import read_options
from painter.options.request import Request
from painter.painting.job import Job
from painter.preparation.style_cache import StyleCache
from pairs import Scene

# What a user may choose, beside how much the photo counts and for how long: losses at the layers
# that the judge looks at, which weigh the same to it, and what is soonest as near as a peer's
# hundreds of evaluations. All else is default.
OPTIONS: Final[Mapping[str, Any]] = {
    "style_loss": "wasserstein",
    "style_layers": ",".join(STYLE_CONVOLUTIONS),
    "content_layers": CONTENT_CONVOLUTION,
    "optimizer": "lbfgs",
    "levels": 1,
    "init_noise": 0.2,
}
# The balance is looked for from here, by this factor until the goal lies between two, then halving.
_ALPHA: Final = 0.1
_APART: Final = 3.0
_CLOSE: Final = 1.1
_TRIES: Final = 5
# So many evaluations lie between two looks at a painting; those between are looked at once it is
# as good.
_LOOK_EVERY: Final = 3


class OutOfTimeError(Exception):
    """The search had to end before it knew."""


@dataclass(frozen=True)
class Shown:
    """The best canvas after so many steps, as a PNG; seconds from pictures in to PNG out."""

    steps: int
    seconds: float
    data: bytes


@dataclass(frozen=True)
class Look:
    """What the judge says of a painting after so many steps; judging it is not counted."""

    steps: int
    seconds: float
    errors: Errors


@dataclass(frozen=True)
class Found:
    """The soonest painting as good as a peer's; `seconds` has one time for each repetition."""

    alpha: float
    steps: int
    errors: Errors
    seconds: list[float]


class Search:
    """Looks at paintings of one scene as they form, until an hour, and remembers what it saw."""

    def __init__(
        self,
        painter: Painter,
        judge: Judge,
        scene: Scene,
        steps: int,
        repeats: int,
        until: float = math.inf,
    ) -> None:
        self._painter, self._judge, self._scene = painter, judge, scene
        self._steps, self._repeats, self._until = steps, repeats, until
        self._paintings: dict[float, Iterator[Shown]] = {}
        self._shown: dict[float, list[Shown]] = {}
        self._judged: dict[float, dict[int, Look]] = {}

    @property
    def balances(self) -> list[float]:
        """The alphas that were tried."""
        return list(self._judged)

    def looks(self, alpha: float) -> list[Look]:
        """What was seen of a painting in this balance, in order of steps."""
        return [look for _, look in sorted(self._judged[alpha].items())]

    def soonest(self, goal: Errors) -> Found | None:
        """The fewest steps after which a painting is as good, in the balance that suits it.

        Raises OutOfTimeError where none is as good by the hour, of time.monotonic().
        """
        found: tuple[float, Look] | None = None
        alpha, low, high, most = _ALPHA, 0.0, math.inf, self._steps
        for _ in range(_TRIES):
            try:
                looks = self._until_as_good(alpha, most, goal)
            except OutOfTimeError:
                if found is None:
                    raise
                break  # another alpha may be sooner; this one is no worse than it is told to be
            if looks[-1].errors.as_good_as(goal):
                found, most = (alpha, looks[-1]), looks[-1].steps - 1
            # What kept it from being as good, or as good a look earlier, says where to go on.
            late = [look.errors for look in looks if not look.errors.as_good_as(goal)][-1:]
            if not late or most < 1:
                break
            is_far = late[0].content > goal.content
            if is_far == (late[0].gram > goal.gram or late[0].wasserstein > goal.wasserstein):
                break  # what lowers the one raises the other: it takes more steps
            low, high = (alpha, high) if is_far else (low, alpha)
            if high < low * _CLOSE:
                break
            alpha = _between(low, high)
        return None if found is None else self._timed(*found)

    def nearest(self, goal: Errors) -> list[Look]:
        """The looks at the painting whose last one came as near as any."""
        paintings = [self.looks(alpha) for alpha in self.balances]
        return min(paintings, key=lambda looks: _excess(looks[-1].errors, goal))

    def _until_as_good(self, alpha: float, most: int, goal: Errors) -> list[Look]:
        """Looks at a painting up to the first that is as good, or to the most steps."""
        looks: list[Look] = []
        for steps in [*range(_LOOK_EVERY, most, _LOOK_EVERY), most]:
            passed, look = looks[-1].steps if looks else 0, self._look(alpha, steps)
            if look.errors.as_good_as(goal):
                for between in range(passed + 1, look.steps + 1):
                    looks.append(self._look(alpha, between))
                    if looks[-1].errors.as_good_as(goal):
                        return looks
            looks.append(look)
            if look.steps < steps:
                break
        return looks

    def _look(self, alpha: float, steps: int) -> Look:
        """A painting after so many steps, or after its last one; it goes on where it was left."""
        painting = self._paintings.setdefault(alpha, self._watched(alpha))
        shown = self._shown.setdefault(alpha, [])
        while len(shown) < steps:
            if time.monotonic() > self._until:
                raise OutOfTimeError
            following = next(painting, None)
            if following is None:
                break
            shown.append(following)
        seen = shown[:steps][-1]
        judged = self._judged.setdefault(alpha, {})
        if seen.steps not in judged:
            judged[seen.steps] = Look(seen.steps, seen.seconds, self._judge.errors(seen.data))
        return judged[seen.steps]

    def _watched(self, alpha: float) -> Iterator[Shown]:
        """A painting as it forms; what an evaluation finds does not depend on how many follow."""
        began = time.perf_counter()
        job = self._begun(alpha, self._steps)
        active = time.perf_counter() - began
        seen = 0
        while True:
            began = time.perf_counter()
            if job.progress.step > seen:
                seen = job.progress.step
                data = job.result().data
                yield Shown(seen, active + time.perf_counter() - began, data)
                began = time.perf_counter()
            if job.finished:
                return
            job.advance()
            active += time.perf_counter() - began

    def _begun(self, alpha: float, steps: int) -> Job:
        self._painter.styles = StyleCache(2**28)
        own = {"size": self._scene.size, "steps": steps, "alpha": alpha}
        pictures = self._scene.content.read_bytes(), (self._scene.style.read_bytes(),)
        return self._painter.begin(Request(read_options({**OPTIONS, **own}), *pictures))

    def _timed(self, alpha: float, look: Look) -> Found:
        """The same painting again, with so many steps and no looking."""
        seconds = []
        for _ in range(self._repeats):
            began = time.perf_counter()
            job = self._begun(alpha, look.steps)
            job.run()
            data = job.result().data
            seconds.append(time.perf_counter() - began)
        return Found(alpha, look.steps, self._judge.errors(data), seconds)


def as_json(found: Found | None, search: Search, goal: Errors) -> dict[str, Any]:
    """What is kept of a search: the find, or how near the best balance came."""
    if found is not None:
        looks = [look for look in search.looks(found.alpha) if look.steps <= found.steps]
        own = {**asdict(found), "median": median(found.seconds)}
    else:
        looks = search.nearest(goal)
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
