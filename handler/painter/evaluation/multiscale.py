"""The evaluation of a canvas on its level and all coarser ones, a pass or a tile at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from painter.device.streams import Streams
from painter.evaluation.levels import is_tiled
from painter.evaluation.objective import Objective
from painter.evaluation.passes import Evaluation, View, evaluate
from painter.evaluation.tiled import TiledEvaluation
from painter.network.vgg import VGG19

# What the levels before weigh, each beside the next: with nothing, finer levels undo the large
# forms, since none of their layers looks that far.
COARSER_WEIGHT: Final = 1.0


class MultiscaleEvaluation:
    """An evaluation in the making; whoever drives it gives `take` the evaluation of each `view`.

    A canvas is seen on its own level first, then at half its size, and so on. `view` is None
    where it is too large for one pass: `take` runs a tile of it then.
    """

    def __init__(self, vgg: VGG19, view: View) -> None:
        self._vgg = vgg
        self._finer: list[tuple[Objective, Evaluation]] = []
        self._look_at(view)

    @property
    def view(self) -> View | None:
        """What is to be evaluated next in a pass."""
        return self._view if self._tiles is None else None

    def take(self, evaluation: Evaluation | None) -> Evaluation | None:
        """Takes the evaluation of `view`, or runs a tile; after the last one, tells the whole.

        One that is whole already needs no coarser views.
        """
        if self._tiles is not None:
            evaluation = self._tiles.advance()
            if evaluation is None:
                return None
        assert evaluation is not None  # a view is answered
        objective = self._view.objective
        if objective.coarser is None or evaluation.is_whole:
            return self._summed(evaluation)
        self._finer.append((objective, evaluation))
        self._look_at(coarser_view(self._view))
        return None

    def _look_at(self, view: View) -> None:
        self._view = view
        too_large = is_tiled(view.objective.shape, view.objective.config)
        self._tiles = TiledEvaluation(self._vgg, view) if too_large else None

    def _summed(self, coarsest: Evaluation) -> Evaluation:
        """The evaluation of the finest level, with what all the others add to it."""
        whole = coarsest
        while self._finer:
            objective, here = self._finer.pop()
            whole = _added(objective, here, whole)
        return whole


def evaluate_whole(vgg: VGG19, view: View, streams: Streams) -> Evaluation:
    """The evaluation of a canvas on its level and on all coarser ones, which run beside each other.

    None of them may be too large for one pass.
    """
    if view.objective.coarser is None:
        return replace(evaluate(vgg, [view])[0], is_whole=True)
    try:
        with streams.forked():
            coarser = evaluate_whole(vgg, coarser_view(view), streams)
        here = evaluate(vgg, [view])[0]
    finally:
        # A recording that ends with a fork of its own would never let go of its memory.
        streams.join()
    return replace(_added(view.objective, here, coarser), is_whole=True)


def coarser_view(view: View) -> View:
    """A canvas as it is seen on the level before, which there must be."""
    objective = view.objective
    assert objective.coarser is not None
    assert objective.downsampling is not None  # as there is a coarser one
    return replace(view, canvas=objective.downsampling(view.canvas), objective=objective.coarser)


def _added(objective: Objective, here: Evaluation, coarser: Evaluation) -> Evaluation:
    """The evaluation of a canvas with what that of all coarser levels adds to it."""
    if here.gradient is not None and coarser.gradient is not None:
        assert objective.downsampling is not None  # as there is a coarser one
        objective.downsampling.add_adjoint(here.gradient, coarser.gradient, COARSER_WEIGHT)
    total = here.objective_value + COARSER_WEIGHT * coarser.objective_value
    return replace(here, objective_value=total)
