"""Optimizers that are asked for a canvas and told its loss and gradient.

A painting can so be left between any two evaluations, in the middle of a line search too.
Both keep the canvas in the box [0, 1], and both take a step back where a loss is not finite.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator
from typing import Final, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.curvature import Curvature

MOMENTUM: Final = (0.9, 0.99)
# Adam slows down to this share of its learning rate by the end of a level: at full rate its
# steps, which are of one size whatever the gradient, leave noise that only averages out.
LAST_PACE: Final = 0.25
# Relative losses have gradients of the order of 1 / pixels, so Adam's epsilon has as well.
EPSILON_BY_PIXELS: Final = 1e-3
HISTORY: Final = 5
# A step is taken in bands of so many rows: what it takes for a moment is small beside the canvas.
_BAND: Final = 256
_FIRST_MOVE: Final = 0.3
_SUFFICIENT: Final = 1e-4
_CURVATURE_LEAST: Final = 1e-10
_SEARCHES_MOST: Final = 20
# Losses are sums over thousands of features, most of whose roundings cancel out.
_ROUNDING: Final = 1 / 64


class Optimizer(Protocol):
    """What a painting asks of its optimizer."""

    @property
    def canvas(self) -> Tensor:
        """The canvas [3, H, W] to be evaluated next, within [0, 1]."""
        ...

    def tell(self, loss: float, gradient: Tensor) -> bool:
        """Takes the loss and gradient at `canvas`; False where no way down is left."""
        ...


class Adam:
    """Kingma & Ba 2015, clamped to the box after each step.

    `pace` is the share of the learning rate that the next step takes.
    """

    def __init__(
        self, canvas: Tensor, learning_rate: float, moments: tuple[Tensor, Tensor] | None = None
    ) -> None:
        self._canvas = canvas.clone()
        self._learning_rate = learning_rate
        self._first, self._second = moments or (torch.zeros_like(canvas), torch.zeros_like(canvas))
        self._steps = 1 if moments else 0
        self._last_rate = 0.0
        self.pace = 1.0

    @property
    def canvas(self) -> Tensor:
        """The canvas to be evaluated next."""
        return self._canvas

    def tell(self, loss: float, gradient: Tensor) -> bool:
        """One step; a loss or gradient that is not finite takes the last step back, halved."""
        if not _sound(loss, gradient):
            self._step_back()
            return True
        self._steps += 1
        decay, square_decay = MOMENTUM
        self._first.lerp_(gradient, 1 - decay)
        self._second.mul_(square_decay).addcmul_(gradient, gradient, value=1 - square_decay)
        self._last_rate = self.pace * self._learning_rate / (1 - decay**self._steps)
        self._move(self._last_rate)
        return True

    def enlarged(self, canvas: Tensor) -> Adam:
        """The same descent on a canvas of another size, its moments carried over.

        They get the weight of a single step: a canvas just enlarged lacks all that is finer
        than its old pixels, so its gradients are several times as large as the last ones were,
        and steps scaled to those would overshoot. Per pixel, gradients shrink as pixels become
        more.
        """
        if not self._steps:
            return Adam(canvas, self._learning_rate)
        shape = (canvas.shape[-2], canvas.shape[-1])
        ratio = self._canvas.numel() / canvas.numel()
        first, second = (1 - decay**self._steps for decay in MOMENTUM)
        moments = (
            _interpolated(self._first, shape).mul_(ratio * (1 - MOMENTUM[0]) / first),
            _interpolated(self._second, shape).mul_(ratio**2 * (1 - MOMENTUM[1]) / second),
        )
        return Adam(canvas, self._learning_rate, moments)

    def _move(self, rate: float) -> None:
        """Against the first moment, each value scaled by its second; within the box."""
        correction = 1 - MOMENTUM[1] ** self._steps
        epsilon = EPSILON_BY_PIXELS / (self._canvas.shape[-1] * self._canvas.shape[-2])
        arrays = (self._canvas, self._first, self._second)
        bands = (torch.split(array, _BAND, dim=-2) for array in arrays)
        for canvas, first, second in zip(*bands, strict=True):
            scale = (second / correction).sqrt_().add_(epsilon)
            canvas.addcdiv_(first, scale, value=-rate).clamp_(0, 1)

    def _step_back(self) -> None:
        """Takes the last step back and halves the rate.

        The moments tell the step, so no canvas is kept for this; a pixel that the box had
        stopped comes back by the whole step.
        """
        if self._last_rate:
            self._move(-self._last_rate)
        self._last_rate = 0.0
        self._first.zero_()
        self._learning_rate /= 2


class LBFGS:
    """L-BFGS (Nocedal & Wright 2006, alg. 7.4) within the box, with a backtracking search.

    Its initial inverse Hessian is no multiple of the identity, but scales places and frequencies
    as `Curvature` saw them. Pixels that lie at a bound and are drawn beyond it are left out of
    the direction (as Bertsekas 1982 does); trial canvases are projected into the box; a pair of
    differences enters the history only where its curvature is positive. For deterministic losses
    only. `dtype` is the type that the losses are evaluated in: what rounding alone may make of
    one is no way up, or the search would look for a way down in vain near the end of a painting.
    """

    def __init__(self, canvas: Tensor, dtype: torch.dtype = torch.float64) -> None:
        self._trial = canvas.clone()
        self._rounding = _ROUNDING * torch.finfo(dtype).eps
        self._search = self._descend()
        next(self._search)

    @property
    def canvas(self) -> Tensor:
        """The canvas to be evaluated next: a trial of the line search."""
        return self._trial

    def tell(self, loss: float, gradient: Tensor) -> bool:
        """One evaluation of the search; False once no step along the gradient goes down."""
        try:
            self._search.send((loss, gradient))
        except StopIteration:
            return False
        return True

    def _descend(self) -> Generator[None, tuple[float, Tensor], None]:
        loss, gradient = yield
        canvas = self._trial
        known = _Known(canvas)
        while True:
            free = ~(((canvas <= 0) & (gradient > 0)) | ((canvas >= 1) & (gradient < 0)))
            downhill = gradient * free
            direction = -known.inverse_hessian_times(downhill) * free
            if not known.pairs:
                direction *= _first_scale(direction)
            found = None
            if _dot(direction, downhill) < 0:
                found = yield from self._backtrack(canvas, loss, gradient, direction)
            if found is None:
                if not known.pairs:
                    return
                known = _Known(canvas)
                continue
            step, change = found[0] - canvas, found[2] - gradient
            canvas, loss, gradient = found
            known.learn(step, change)

    def _backtrack(
        self, canvas: Tensor, loss: float, gradient: Tensor, direction: Tensor
    ) -> Generator[None, tuple[float, Tensor], tuple[Tensor, float, Tensor] | None]:
        """The first trial along the projected direction that goes down enough (Armijo)."""
        length = 1.0
        allowed = loss + self._rounding * abs(loss)
        for _ in range(_SEARCHES_MOST):
            self._trial = (canvas + length * direction).clamp_(0, 1)
            expected = _dot(self._trial - canvas, gradient)
            trial_loss, trial_gradient = yield
            if not _sound(trial_loss, trial_gradient):
                length /= 10
            elif trial_loss <= allowed + _SUFFICIENT * expected and expected < 0:
                return self._trial, trial_loss, trial_gradient
            else:
                length *= _shrink(loss, expected, trial_loss)
        return None


class _Known:
    """What the newest pairs of differences, of canvases and of gradients, say of the Hessian."""

    def __init__(self, canvas: Tensor) -> None:
        self.pairs: deque[tuple[Tensor, Tensor]] = deque(maxlen=HISTORY)
        self._curvature = Curvature(canvas)

    def learn(self, step: Tensor, change: Tensor) -> None:
        """Takes in a pair, where the loss curves upward along it."""
        product = _dot(step, change)
        if product > _CURVATURE_LEAST * _norm(step) * _norm(change):
            self.pairs.append((step, change))
            self._curvature.learn(step, change, product)

    def inverse_hessian_times(self, vector: Tensor) -> Tensor:
        """The two-loop recursion."""
        result = vector.clone()
        factors: list[tuple[float, float]] = []
        for step, change in reversed(self.pairs):
            inverse = 1 / _dot(step, change)
            factor = inverse * _dot(step, result)
            result.sub_(change, alpha=factor)
            factors.append((inverse, factor))
        result = self._curvature.inverse_times(result)
        for (step, change), (inverse, factor) in zip(self.pairs, reversed(factors), strict=True):
            result.add_(step, alpha=factor - inverse * _dot(change, result))
        return result


def _sound(loss: float, gradient: Tensor) -> bool:
    # A sum is not finite where one of its terms is not, and needs no copy of a large canvas.
    return math.isfinite(loss) and math.isfinite(float(gradient.sum()))


def _interpolated(values: Tensor, shape: tuple[int, int]) -> Tensor:
    return F.interpolate(values[None], size=shape, mode="bilinear", align_corners=False)[0]


def _dot(one: Tensor, other: Tensor) -> float:
    return float((one * other).sum(dtype=torch.float64))


def _norm(values: Tensor) -> float:
    return math.sqrt(_dot(values, values))


def _first_scale(direction: Tensor) -> float:
    """Without curvature yet: a step that moves the farthest pixel by a share of the range."""
    largest = float(direction.abs().max())
    return _FIRST_MOVE / largest if largest > 0 else 0.0


def _shrink(loss: float, expected: float, trial_loss: float) -> float:
    """The minimum of the parabola through what is known, kept between a tenth and a half."""
    curvature = trial_loss - loss - expected
    if curvature <= 0 or expected >= 0:
        return 0.5
    return min(0.5, max(0.1, -expected / (2 * curvature)))
