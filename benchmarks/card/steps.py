"""Section 3: the engine's step and evaluation as they are: time, kernels, waits, gaps, graphs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from card.bench import Bench
from card.convolutions import forked_in_graph, in_graph, run
from card.counting import counted
from card.device import Device, Work
from card.engine import Steps, all_recorded, evaluator, request_for
from card.extent import Extent
from card.layers import bare_view
from card.notes import Notes
from card.pictures import Pictures
from painter.canvas.layout import padded_shape
from painter.device.fusing import fused_kernels
from painter.engine.painter import Painter
from painter.evaluation.passes import View

# By names, the options of what is stepped beside those of the extent.
KINDS: Final[dict[str, dict[str, Any]]] = {
    "Gram, Adam": {},
    "Gram, L-BFGS": {"optimizer": "lbfgs"},
    "Wasserstein, Adam": {"style_loss": "wasserstein"},
}
# Options that give a canvas all its views, and one alone.
VIEWS: Final = {"all views": {"levels": 0}, "one view": {"levels": 1}}
# In the order of what is most wanted: a step of Wasserstein-2 takes long.
ORDER: Final = (
    ("Gram, Adam", "all views"),
    ("Gram, L-BFGS", "all views"),
    ("Gram, Adam", "one view"),
    ("Gram, L-BFGS", "one view"),
    ("Wasserstein, Adam", "all views"),
    ("Wasserstein, Adam", "one view"),
)
_CHUNKS: Final = 2
# A level's average may be judged once in a painting.
_PAINTED_BEFORE: Final = 2


def measure(notes: Notes, bench: Bench) -> None:
    """Steps of each kind with all views and with one, and the evaluations by themselves."""
    for kind, views in ORDER:
        options = options_of(bench.extent, kind, views)
        pending: list[View] = []
        notes.take(f"{kind}, {views}", partial(_step, bench, options, pending))
        if views == "all views" and pending:
            _evaluations(notes, kind, bench, pending)
            notes.take(f"{kind}, {views}, replayed", partial(_replayed_step, bench, options))
        if (kind, views) == ORDER[0]:
            notes.take(f"{kind}, {views}, fused", partial(_fused_step, bench, options))
            plain = partial(_replayed_step, bench, options, is_fused=False)
            notes.take(f"{kind}, {views}, replayed, not fused", plain)


def options_of(extent: Extent, kind: str, views: str) -> dict[str, Any]:
    """The options of what is stepped."""
    return {**extent.steps, **KINDS[kind], **VIEWS[views]}


def _step(bench: Bench, options: dict[str, Any], pending: list[View]) -> dict[str, Any]:
    """A step as the engine takes it by itself; adds what it has evaluated, the largest first."""
    steps = Steps(bench.painter, request_for(bench.pictures, options))
    steps.to_last_level()
    pending += steps.views()
    return _measured(bench, steps)


def _fused_step(bench: Bench, options: dict[str, Any]) -> dict[str, Any]:
    """A step with fused kernels and without graphs."""
    bench.device.need_card()
    with fused_kernels():
        return _step(bench, options, [])


def _replayed_step(bench: Bench, options: dict[str, Any], is_fused: bool = True) -> dict[str, Any]:
    """A step whose evaluations are replayed by the engine's own graphs."""
    painter = bench.replaying_painter if is_fused else bench.replaying_plain_painter
    with all_recorded():
        return _measured(bench, replayed_steps(painter, bench.pictures, options))


def replayed_steps(painter: Painter, pictures: Pictures, options: dict[str, Any]) -> Steps:
    """A painting at its last level, all of whose evaluations are recorded: at their second use."""
    usual = {name: value for name, value in options.items() if name != "steps"}
    for _ in range(_PAINTED_BEFORE):
        painter.begin(request_for(pictures, usual)).run()
    steps = Steps(painter, request_for(pictures, options))
    steps.to_last_level()
    return steps


def _measured(bench: Bench, steps: Steps) -> dict[str, Any]:
    """Seconds of a step on the wall, and what it asks for.

    What a profile sees of it comes last of all: launches are slower for the rest of a process.
    """
    device, extent = bench.device, bench.extent
    wall = device.wall(partial(steps.take, extent.chunk), _CHUNKS)
    for name in ("median", "least", "most"):
        wall[name] /= extent.chunk
    return {"wall": wall, "asked": counted(partial(steps.take, 1))}


def _evaluations(notes: Notes, kind: str, bench: Bench, pending: list[View]) -> None:
    device, rounds = bench.device, bench.extent.rounds
    evaluate = evaluator(bench.painter)
    works = [partial(evaluate, [view]) for view in pending]
    for view, work in zip(pending, works, strict=True):
        side = max(view.objective.shape)
        notes.take(f"{kind}, evaluation {side}", partial(_eager, device, work, rounds))
    if kind == "Gram, Adam":
        for count in bench.extent.canvases:
            shared = partial(evaluate, [pending[0]] * count)
            notes.take(f"{count} canvases", partial(_eager, device, shared, rounds))
        views = [bare_view(padded_shape(view.objective.shape), device.where) for view in pending]
        notes.take("bare, eager", partial(_eager, device, partial(run, views), rounds))
        notes.take("bare, graph", partial(in_graph, device, partial(run, views), rounds))
    in_sequence = partial(_one_after_the_other, works)
    name = f"{kind}, graph of the evaluations"
    notes.take(name, partial(in_graph, device, in_sequence, rounds))
    notes.take(f"{name}, forked", partial(forked_in_graph, device, works, rounds))
    if kind == "Gram, Adam":
        notes.take(f"{name}, fused", partial(_fused_in_graph, device, in_sequence, rounds))


def _fused_in_graph(device: Device, work: Work, rounds: int) -> dict[str, Any]:
    device.need_card()
    with fused_kernels():
        return in_graph(device, work, rounds)


def _eager(device: Device, work: Work, rounds: int) -> dict[str, Any]:
    """By events and on the wall: where the host is slower than the card, both are the host's."""
    return {"device": device.seconds(work, rounds), "wall": device.wall(work, rounds)}


def _one_after_the_other(works: Sequence[Work]) -> list[object]:
    return [work() for work in works]
