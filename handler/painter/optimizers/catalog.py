"""The optimizers by the names that the option `optimizer` has for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from painter.optimizers.adam import Adam
from painter.optimizers.lbfgs import LBFGS
from painter.optimizers.optimizer import Optimizer
from painter.optimizers.pyramid import PyramidAdam, PyramidLBFGS
from painter.options.catalog import Options

_ON_PYRAMIDS: Final[Mapping[str, type[Optimizer]]] = {"adam": PyramidAdam, "lbfgs": PyramidLBFGS}
OPTIMIZERS: Final[Mapping[str, type[Optimizer]]] = {"adam": Adam, "lbfgs": LBFGS}


def optimizer_of(options: Options) -> type[Optimizer]:
    """How the canvas of a painting descends, in pixels or as a pyramid."""
    by_name = _ON_PYRAMIDS if options.canvas_space == "pyramid" else OPTIMIZERS
    return by_name[options.optimizer]
