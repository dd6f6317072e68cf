"""The optimizers by the names that the option `optimizer` has for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from painter.optimizers.adam import Adam
from painter.optimizers.lbfgs import LBFGS
from painter.optimizers.optimizer import Optimizer

OPTIMIZERS: Final[Mapping[str, type[Optimizer]]] = {"adam": Adam, "lbfgs": LBFGS}
