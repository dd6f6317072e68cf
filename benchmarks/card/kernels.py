"""Section 6: which kernels a default step's time goes into, by name and by kind."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from card.bench import Bench
from card.engine import Steps, request_for
from card.notes import Notes
from card.profiles import by_kernel, profiled, summary
from step import time_by_kind

_STEPS: Final = 3
_MOST: Final = 25


def measure(notes: Notes, bench: Bench) -> None:
    """A profile of some steps with all views."""
    notes.take("profile", partial(_profile, bench))


def _profile(bench: Bench) -> dict[str, Any]:
    device = bench.device
    steps = Steps(bench.painter, request_for(bench.pictures, bench.extent.steps))
    steps.to_last_level()
    steps.take(2)
    events = profiled(device, partial(steps.take, _STEPS))
    kinds = time_by_kind(events, device.where)
    return {
        "steps": _STEPS,
        "kinds": {kind: time / _STEPS for kind, time in kinds.most_common()},
        "kernels": by_kernel(events, _MOST),
        "summary": summary(events, _STEPS),
    }
