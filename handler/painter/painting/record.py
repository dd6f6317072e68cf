"""What is told of a painting: before it is made, and within the finished file."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Any

import torch

from painter.network.vgg import VGG19
from painter.painting.progress import Losses, losses_as_json
from painter.planning.plan import Plan
from painter.version import VERSION


def accepted(plan: Plan) -> dict[str, Any]:
    """The data of the accepted event, without the request's id."""
    height, width = plan.shape
    return {
        "options": plan.options.as_json(),
        "seed": plan.options.seed,
        "width": width,
        "height": height,
        "levels": _levels(plan, [level.steps for level in plan.levels]),
        "adjusted": list(plan.adjusted),
        "resumed": _resumed(plan),
    }


def record(
    plan: Plan,
    vgg: VGG19,
    losses: Losses,
    *,
    steps_done: Sequence[int],
    seconds: float,
    stopped: str,
    incomplete: str | None,
) -> dict[str, Any]:
    """How a painting was made, fit to make it again; it tells no paths and no places."""
    height, width = plan.shape
    return {
        "software": f"bruno {VERSION}",
        "options": plan.options.as_json(),
        "seed": plan.options.seed,
        "width": width,
        "height": height,
        "style_weights": list(plan.style_weights),
        "steps": sum(steps_done),
        "levels": _levels(plan, steps_done),
        "losses": losses_as_json(losses, "{}"),
        "seconds": round(seconds, 3),
        "stopped": stopped,
        "incomplete": incomplete,
        "resumed": _resumed(plan),
        "digests": dict(plan.digests),
        "weights": vgg.digest,
        "device": vgg.device.type,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """The versions that a painting's pixels may depend on."""
    return {
        "bruno": VERSION,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _levels(plan: Plan, steps: Sequence[int]) -> list[dict[str, int]]:
    return [
        {"width": level.shape[1], "height": level.shape[0], "steps": count}
        for level, count in zip(plan.levels, steps, strict=True)
    ]


def _resumed(plan: Plan) -> dict[str, int] | None:
    resume = plan.resume
    return None if resume is None else {"level": resume.level, "step": resume.step}
