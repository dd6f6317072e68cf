"""The last section: what a profile sees of steps, by kinds of operations and by kernels.

Once there was a profile, each launch takes the host longer for the rest of the process, so nothing
is timed after it.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from card.bench import Bench
from card.engine import Steps, all_recorded, request_for
from card.notes import Notes
from card.profiles import by_kernel, profiled, summary
from card.steps import ORDER, options_of, replayed_steps
from step import time_by_kind

_STEPS: Final = 3
_MOST: Final = 25


def measure(notes: Notes, bench: Bench) -> None:
    """A profile of some steps of each kind, as they are and replayed; the default one first."""
    for kind, views in ORDER[: bench.extent.profiled]:
        options = options_of(bench.extent, kind, views)
        notes.take(f"{kind}, {views}, replayed", partial(_replayed, bench, options))
        notes.take(f"{kind}, {views}", partial(_as_it_is, bench, options))


def _as_it_is(bench: Bench, options: dict[str, Any]) -> dict[str, Any]:
    steps = Steps(bench.painter, request_for(bench.pictures, options))
    steps.to_last_level()
    steps.take(2)
    return _profile(bench, steps)


def _replayed(bench: Bench, options: dict[str, Any]) -> dict[str, Any]:
    painter = bench.replaying_painter
    with all_recorded():
        return _profile(bench, replayed_steps(painter, bench.pictures, options))


def _profile(bench: Bench, steps: Steps) -> dict[str, Any]:
    device = bench.device
    events = profiled(device, partial(steps.take, _STEPS))
    kinds = time_by_kind(events, device.where)
    return {
        "steps": _STEPS,
        "kinds": {kind: time / _STEPS for kind, time in kinds.most_common()},
        "kernels": by_kernel(events, _MOST),
        "summary": summary(events, _STEPS),
    }
