"""Line 1: how soon a painting is as good as a peer's finished one, through the library."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from judge import Errors, Judge
from painter.options import read_options
from painter.painting import Painter
from painter.passes import evaluate
from painter.request import Request
from painter.styles import StyleCache
from pairs import Scene

# Balances of content and style, and losses, that a user may choose among; all else is default.
OPTION_SETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "default": {},
    "style first": {"alpha": 0.3},
    "wasserstein": {"style_loss": "wasserstein"},
    "wasserstein, style first": {"style_loss": "wasserstein", "alpha": 0.3},
}
_LOOK_EVERY: Final = 5


@dataclass(frozen=True)
class Snapshot:
    """The best canvas so far as a PNG, and the seconds from pictures in to that PNG out."""

    seconds: float
    data: bytes


@dataclass(frozen=True)
class Found:
    """The soonest painting as good as a peer's; `seconds` has one time for each repetition."""

    options: str
    steps: int
    errors: Errors
    seconds: list[float]


Judged = list[tuple[float, Errors]]


def watch(painter: Painter, scene: Scene, options: Mapping[str, Any], steps: int) -> list[Snapshot]:
    """Paint a scene, and take the best canvas out every five steps of the last level.

    What the looking costs is not counted, except for the one PNG that would be the answer.
    """
    painter.styles = StyleCache(2**28)
    asked = read_options({"size": scene.size, "steps": steps, **options})
    began = time.perf_counter()
    request = Request(asked, scene.content.read_bytes(), (scene.style.read_bytes(),))
    job = painter.begin(request)
    active = time.perf_counter() - began
    snapshots: list[Snapshot] = []
    looked = 0
    while not job.finished:
        began = time.perf_counter()
        job.tell(evaluate(painter.vgg, [job.ask])[0] if job.ask else None)
        active += time.perf_counter() - began
        now = job.progress
        due = now.level == now.levels and now.step >= looked + _LOOK_EVERY
        if due or job.finished:
            looked = now.step
            began = time.perf_counter()
            data = job.result().data
            snapshots.append(Snapshot(active + time.perf_counter() - began, data))
    return snapshots


class Search:
    """Paints one scene with more and more steps, and remembers what came of it."""

    def __init__(
        self, painter: Painter, judge: Judge, scene: Scene, ladder: Sequence[int], repeats: int
    ) -> None:
        self._painter, self._judge, self._scene = painter, judge, scene
        self._ladder, self._repeats = ladder, repeats
        self.judged: dict[tuple[str, int], Judged] = {}

    def soonest(self, goal: Errors) -> Found | None:
        """The first number of steps at which some option set is as good; the fastest of them."""
        for steps in self._ladder:
            candidates = []
            for name in OPTION_SETS:
                for index, (seconds, errors) in enumerate(self._run(name, steps)):
                    if errors.as_good_as(goal):
                        candidates.append((seconds, name, index, errors))
                        break
            if candidates:
                _, name, index, errors = min(candidates, key=lambda found: found[0])
                return Found(name, steps, errors, self._again(name, steps, index))
        return None

    def _run(self, name: str, steps: int) -> Judged:
        if (name, steps) not in self.judged:
            snapshots = watch(self._painter, self._scene, OPTION_SETS[name], steps)
            self.judged[name, steps] = [
                (snapshot.seconds, self._judge.errors(snapshot.data)) for snapshot in snapshots
            ]
        return self.judged[name, steps]

    def _again(self, name: str, steps: int, index: int) -> list[float]:
        return [
            watch(self._painter, self._scene, OPTION_SETS[name], steps)[index].seconds
            for _ in range(self._repeats)
        ]


def as_json(found: Found | None, search: Search, goal: Errors) -> dict[str, Any]:
    """What is kept of a search: the find, or how near the best balance came."""
    if found is not None:
        trajectory = search.judged[found.options, found.steps]
        own = {**asdict(found), "median": median(found.seconds)}
    else:
        trajectory = min(search.judged.values(), key=lambda run: _excess(run[-1][1], goal))
        own = {"nearest": asdict(trajectory[-1][1]), "seconds": [trajectory[-1][0]]}
    return {**own, "trajectory": [[seconds, asdict(errors)] for seconds, errors in trajectory]}


def _excess(errors: Errors, goal: Errors) -> float:
    """The largest of the three errors, as a multiple of the goal's."""
    pairs = zip(asdict(errors).values(), asdict(goal).values(), strict=True)
    return max(float(own / target) for own, target in pairs)
