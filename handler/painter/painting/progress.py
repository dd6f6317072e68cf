"""What can be told of a painting while it is made and when it is done, as data."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from painter.losses.terms import terms_of
from painter.options.catalog import Options
from painter.painting.steps import first_level, steps_of
from painter.planning.plan import Plan

# What a step costs beside its pixels, in pixels: for the time that is left.
_STEP_OVERHEAD: Final = 8000


@dataclass(frozen=True, slots=True)
class Losses:
    """The terms of the total, unweighted, and what each layer contributes to them.

    Where losses are mixed, each layer has the sum of theirs by their weights; a loss of several
    layers at once is told by its name.
    """

    content: float
    style: float
    tv: float
    total: float
    content_by_layer: Mapping[str, float]
    style_by_layer: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a painting is: steps and levels count from 1, seconds from the start.

    `steps` is 0 where a plateau decides; `eta` is None where nothing is known of the rest, and
    `losses` where the first evaluation is not done.
    """

    step: int
    steps: int
    level: int
    levels: int
    width: int
    height: int
    losses: Losses | None
    seconds: float
    eta: float | None

    def as_json(self) -> dict[str, Any]:
        """The data of a progress event."""
        return {
            "step": self.step,
            "steps": self.steps,
            "level": self.level,
            "levels": self.levels,
            "width": self.width,
            "height": self.height,
            **losses_as_json(self.losses, "{}_loss"),
            "seconds": round(self.seconds, 3),
            "eta": None if self.eta is None else round(self.eta, 1),
        }


@dataclass(frozen=True, slots=True)
class Preview:
    """The canvas as it is now, as a JPEG; `step` counts within `level`, as `resume` wants it."""

    level: int
    step: int
    width: int
    height: int
    data: bytes

    def as_json(self) -> dict[str, Any]:
        """The data of a preview event."""
        return {
            "level": self.level,
            "step": self.step,
            "width": self.width,
            "height": self.height,
            "media_type": "image/jpeg",
            "image": base64.b64encode(self.data).decode(),
        }


@dataclass(frozen=True, slots=True)
class Painted:
    """A painting as a file, and the record that is inside it."""

    data: bytes
    media_type: str
    width: int
    height: int
    record: Mapping[str, Any]


def terms_in(options: Options) -> int:
    """How many terms an objective has, the variation among them."""
    return len(terms_of(options)) + 1


def losses_of(options: Options, terms: Sequence[float]) -> Losses:
    """An objective's terms by name, and their weighted sums."""
    sums = {"content": 0.0, "style": 0.0}
    places: dict[str, dict[str, float]] = {"content": {}, "style": {}}
    weighted = terms_of(options)
    mixes = {"content": options.content_loss, "style": options.style_loss}
    for (term, weight), loss in zip(weighted.items(), terms, strict=False):
        sums[term.kind] += weight * loss
        by_place = places[term.kind]
        share = mixes[term.kind][term.loss] if term.layer else 1.0
        by_place[term.place] = by_place.get(term.place, 0.0) + share * loss
    total = options.alpha * sums["content"] + options.beta * sums["style"] + options.tv * terms[-1]
    return Losses(
        sums["content"], sums["style"], terms[-1], total, places["content"], places["style"]
    )


def progress_of(
    plan: Plan, done_by_level: Sequence[int], terms: Sequence[float] | None, seconds: float
) -> Progress:
    """How far a painting is; the last of the levels' done steps is the level's that is painted."""
    level = len(done_by_level)
    height, width = plan.levels[level - 1].shape
    return Progress(
        step=sum(done_by_level),
        steps=sum(each.steps for each in plan.levels),
        level=level,
        levels=len(plan.levels),
        width=width,
        height=height,
        losses=None if terms is None else losses_of(plan.options, terms),
        seconds=seconds,
        eta=_eta(plan, done_by_level, seconds),
    )


def _eta(plan: Plan, done_by_level: Sequence[int], seconds: float) -> float | None:
    """The seconds left, from what a pixel has cost so far; None where steps are open."""
    if not plan.options.steps:
        return None
    done = rest = 0
    for index, level in enumerate(plan.levels, start=1):
        todo = steps_of(plan, index)
        cost = level.pixels + _STEP_OVERHEAD
        now = done_by_level[index - 1] if index <= len(done_by_level) else todo.start
        now = min(max(now, todo.start), todo.stop)
        if index >= first_level(plan):
            done += cost * (now - todo.start)
            rest += cost * (todo.stop - now) * (index >= len(done_by_level))
    return seconds * rest / done if done else None


def losses_as_json(losses: Losses | None, naming: str) -> dict[str, Any]:
    """The unweighted terms, their weighted total, and what each layer contributes.

    JSON has no word for a number that is not finite: it is told as null.
    """
    terms = ("content", "style", "tv", "total")
    data: dict[str, Any] = {
        naming.format(term): _finite(getattr(losses, term, None)) for term in terms
    }
    layers = {
        "content": {} if losses is None else losses.content_by_layer,
        "style": {} if losses is None else losses.style_by_layer,
    }
    data["layers"] = {
        term: {tap: _finite(loss) for tap, loss in by_layer.items()}
        for term, by_layer in layers.items()
    }
    return data


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
