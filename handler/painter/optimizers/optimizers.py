"""Optimizers that are asked for a canvas and told its loss and gradient.

A painting can so be left between any two evaluations, in the middle of a line search too.
Both keep the canvas in the box [0, 1], and both take a step back where a loss is not finite.

Losses and gradients stay on the device. Adam decides there as well, so that it never waits; a line
search decides on the host, and waits for all the numbers of an evaluation at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.device.readings import read
from painter.optimizers.curvature import Curvature

# Shorter than the paper's averages (0.9 and 0.999): a level has a dozen steps.
MOMENTUM: Final = (0.7, 0.95)
# Adam slows down to this share of its learning rate by the end of a level: at full rate its
# steps, which are of one size whatever the gradient, leave noise that only averages out.
LAST_PACE: Final = 0.3
# The share of the rate at which whole channels move beside their pixels: see `Adam`.
CHANNEL_RATE: Final = 0.4
# Relative losses have gradients of the order of 1 / pixels, so Adam's epsilon has as well.
EPSILON_BY_PIXELS: Final = 1e-3
HISTORY: Final = 5
# After so many evaluations on end that are not finite an optimizer stands still.
UNSOUND_MOST: Final = 5
# A step is taken in bands of so many pixels: what it takes for a moment is small beside the canvas.
_BAND_PIXELS: Final = 2**18
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

    @property
    def lost(self) -> Tensor:
        """Whether it stands still, since losses were not finite several times on end; a scalar."""
        ...

    def tell(self, loss: Tensor, gradient: Tensor) -> bool:
        """Takes the loss and gradient at `canvas`, and uses up the gradient.

        False where no way down is left.
        """
        ...


class Soundness:
    """Whether losses and gradients are finite; once they were not for too long, none counts."""

    def __init__(self, device: torch.device) -> None:
        self._broken = torch.zeros((), dtype=torch.int32, device=device)
        self.lost = torch.zeros((), dtype=torch.bool, device=device)

    def of(self, loss: Tensor, gradient: Tensor) -> Tensor:
        """Whether an evaluation counts, a scalar on its device."""
        # A sum is not finite where one of its terms is not, and needs no copy of a large canvas.
        finite = torch.isfinite(loss) & torch.isfinite(gradient.sum())
        sound = finite & ~self.lost
        self._broken = torch.where(sound, 0, self._broken + 1)
        self.lost = self.lost | (self._broken >= UNSOUND_MOST)
        return sound


class Adam:
    """Kingma & Ba 2015, clamped to the box after each step; on the pixels, and on channels.

    What all pixels of a channel have in common is most of what the first layers' Gram matrices see,
    and steps that are scaled pixel by pixel are slow there: dark and flat pictures would stay
    behind. So the mean of each channel's gradient has moments and steps of its own. `pace` is the
    share of the learning rate that the next step takes.
    """

    def __init__(
        self, canvas: Tensor, learning_rate: Tensor | float, moments: _Moments | None = None
    ) -> None:
        self._canvas = canvas.clone()
        self._soundness = Soundness(canvas.device)
        self._told = moments is not None
        self._pixels = moments or _Moments.none_of(canvas)
        self._channels = _Moments.none_of(canvas.new_zeros(len(canvas), 1, 1))
        zero = torch.zeros((), dtype=torch.float64, device=canvas.device)
        self._learning_rate = zero + learning_rate
        self._last_rate = zero
        self.pace = 1.0

    @property
    def canvas(self) -> Tensor:
        """The canvas to be evaluated next."""
        return self._canvas

    @property
    def lost(self) -> Tensor:
        """Whether it stands still."""
        return self._soundness.lost

    def tell(self, loss: Tensor, gradient: Tensor) -> bool:
        """One step; a loss or gradient that is not finite takes the last step back, halved.

        The moments tell the step that is taken back, so no canvas is kept for this; a pixel that
        the box had stopped comes back by the whole step.
        """
        self._told = True
        sound = self._soundness.of(loss, gradient)
        gradient.masked_fill_(~sound, 0)
        self._pixels = self._pixels.learn(gradient, sound)
        # In float64: in whatever order it is summed, it comes to the same number.
        mean = gradient.mean((-2, -1), keepdim=True, dtype=torch.float64).to(gradient.dtype)
        self._channels = self._channels.learn(mean, sound)
        rate = self.pace * self._learning_rate
        self._move(torch.where(sound, rate, -self._last_rate))
        self._last_rate = torch.where(sound, rate, 0)
        self._pixels.first.mul_(sound)
        self._channels.first.mul_(sound)
        halved = torch.where(sound | self.lost, 1.0, 0.5)
        self._learning_rate = self._learning_rate * halved
        return True

    def enlarged(self, canvas: Tensor) -> Adam:
        """The same descent on a canvas of another size, its moments carried over.

        They get the weight of a single step: a canvas just enlarged lacks all that is finer
        than its old pixels, so its gradients are several times as large as the last ones were,
        and steps scaled to those would overshoot. Per pixel, gradients shrink as pixels become
        more.
        """
        if not self._told:
            return Adam(canvas, self._learning_rate)
        shape = (canvas.shape[-2], canvas.shape[-1])
        ratio = self._canvas.numel() / canvas.numel()
        own = self._pixels
        first, second = (_bias(decay, own.steps) for decay in MOMENTUM)
        moments = _Moments(
            _interpolated(own.first, shape).mul_(ratio * (1 - MOMENTUM[0]) / first),
            _interpolated(own.second, shape).mul_(ratio**2 * (1 - MOMENTUM[1]) / second),
            own.steps.clamp(max=1),
        )
        return Adam(canvas, self._learning_rate, moments)

    def _move(self, rate: Tensor) -> None:
        """Against the first moments, each value scaled by its second; within the box."""
        pixels = self._pixels
        bias, correction = (_bias(decay, pixels.steps) for decay in MOMENTUM)
        epsilon = EPSILON_BY_PIXELS / (self._canvas.shape[-1] * self._canvas.shape[-2])
        shift = self._channels.direction(epsilon) * (rate * CHANNEL_RATE)
        arrays = (self._canvas, pixels.first, pixels.second)
        rows = max(1, _BAND_PIXELS // self._canvas.shape[-1])
        bands = (torch.split(array, rows, dim=-2) for array in arrays)
        for canvas, first, second in zip(*bands, strict=True):
            scale = (second / correction).sqrt_().add_(epsilon).mul_(bias).div_(rate)
            canvas.addcdiv_(first, scale, value=-1).sub_(shift).clamp_(0, 1)


@dataclass(frozen=True, slots=True)
class _Moments:
    """Adam's averages of gradients and of their squares, and after how many steps; on the device.

    Before the first step all are 0.
    """

    first: Tensor
    second: Tensor
    steps: Tensor

    @staticmethod
    def none_of(canvas: Tensor) -> _Moments:
        steps = torch.zeros((), dtype=torch.float64, device=canvas.device)
        return _Moments(torch.zeros_like(canvas), torch.zeros_like(canvas), steps)

    def learn(self, gradient: Tensor, sound: Tensor) -> _Moments:
        """Takes in a gradient, in place, unless it is not sound (a scalar)."""
        decay, square_decay = MOMENTUM
        self.first.lerp_(gradient, torch.where(sound, 1 - decay, 0.0).to(gradient.dtype))
        self.second.mul_(torch.where(sound, square_decay, 1.0))
        self.second.addcmul_(gradient, gradient, value=1 - square_decay)
        return _Moments(self.first, self.second, self.steps + sound)

    def direction(self, epsilon: float) -> Tensor:
        """The first moment scaled by the second, both without their bias."""
        bias, correction = (_bias(decay, self.steps) for decay in MOMENTUM)
        return self.first / bias / (self.second / correction).sqrt_().add_(epsilon)


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
        self._soundness = Soundness(canvas.device)
        self._search = self._descend()
        next(self._search)

    @property
    def canvas(self) -> Tensor:
        """The canvas to be evaluated next: a trial of the line search."""
        return self._trial

    @property
    def lost(self) -> Tensor:
        """Whether it stands still."""
        return self._soundness.lost

    def tell(self, loss: Tensor, gradient: Tensor) -> bool:
        """One evaluation of the search; False once no step along the gradient goes down."""
        try:
            self._search.send((loss, gradient))
        except StopIteration:
            return False
        return True

    def _descend(self) -> Generator[None, tuple[Tensor, Tensor], None]:
        told, gradient = yield
        canvas, loss = self._trial, 0.0
        known = _Known(canvas)
        is_first = True
        while True:
            direction, slope = known.direction(canvas, gradient)
            if is_first:
                loss, downhill = read(told, slope)
                if not downhill < 0:
                    return
            found = yield from self._backtrack(canvas, loss, gradient, direction, slope, known)
            if found is None:
                if not known.pairs:
                    return
                known = _Known(canvas)
                is_first = False
                continue
            step, change = found[0] - canvas, found[2] - gradient
            canvas, loss, gradient = found
            known.learn(step, change)
            is_first = False

    def _backtrack(
        self,
        canvas: Tensor,
        loss: float,
        gradient: Tensor,
        direction: Tensor,
        slope: Tensor,
        known: _Known,
    ) -> Generator[None, tuple[Tensor, Tensor], tuple[Tensor, float, Tensor] | None]:
        """The first trial along the projected direction that goes down enough (Armijo)."""
        length = 1.0
        allowed = loss + self._rounding * abs(loss)
        for _ in range(_SEARCHES_MOST):
            self._trial = (canvas + length * direction).clamp_(0, 1)
            told, trial_gradient = yield
            expected_there = _dot(self._trial - canvas, gradient)
            sound = self._soundness.of(told, trial_gradient)
            trial_loss, expected, is_sound, downhill, counts = read(
                told, expected_there, sound, slope, known.newest_counts
            )
            known.settle(bool(counts))
            if not downhill < 0:
                return None
            if not is_sound:
                length /= 10
            elif trial_loss <= allowed + _SUFFICIENT * expected and expected < 0:
                return self._trial, trial_loss, trial_gradient
            else:
                length *= _shrink(loss, expected, trial_loss)
        return None


@dataclass(frozen=True, slots=True)
class _Pair:
    """The difference of two canvases and of their gradients; `inverse` is 1 / stepᵀchange.

    It is 0 where the loss does not curve upward along the step, so that the pair changes nothing.
    """

    step: Tensor
    change: Tensor
    inverse: Tensor


class _Known:
    """What the newest pairs of differences, of canvases and of gradients, say of the Hessian.

    The newest pair may be one that does not count, until `settle` tells.
    """

    def __init__(self, canvas: Tensor) -> None:
        self.pairs: deque[_Pair] = deque(maxlen=HISTORY)
        self._curvature = Curvature(canvas)
        self._none = torch.zeros((), dtype=torch.bool, device=canvas.device)

    @property
    def newest_counts(self) -> Tensor:
        """Whether the loss curves upward along the newest pair, a scalar."""
        return self.pairs[-1].inverse > 0 if self.pairs else self._none

    def settle(self, counts: bool) -> None:
        """Drops the newest pair unless it counts."""
        if self.pairs and not counts:
            self.pairs.pop()

    def learn(self, step: Tensor, change: Tensor) -> None:
        """Takes in a pair; what it is worth is decided on the device."""
        product = _dot(step, change)
        counts = product > _CURVATURE_LEAST * _norm(step) * _norm(change)
        self.pairs.append(_Pair(step, change, torch.where(counts, 1 / product, 0)))
        self._curvature.learn(step, change, torch.where(counts, product, 0))

    def direction(self, canvas: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Where to go from a canvas within the box, and the slope of the loss along it."""
        free = ~(((canvas <= 0) & (gradient > 0)) | ((canvas >= 1) & (gradient < 0)))
        downhill = gradient * free
        direction = -self._inverse_hessian_times(downhill) * free
        is_known = torch.stack([pair.inverse > 0 for pair in self.pairs] or [self._none]).any()
        scale = torch.where(is_known, 1.0, _first_scale(direction))
        direction *= scale
        return direction, _dot(direction, downhill)

    def _inverse_hessian_times(self, vector: Tensor) -> Tensor:
        """The two-loop recursion."""
        result = vector.clone()
        factors: list[Tensor] = []
        for pair in reversed(self.pairs):
            factor = pair.inverse * _dot(pair.step, result)
            result.sub_(pair.change * factor)
            factors.append(factor)
        result = self._curvature.inverse_times(result)
        for pair, factor in zip(self.pairs, reversed(factors), strict=True):
            rest = factor - pair.inverse * _dot(pair.change, result)
            result.add_(pair.step * rest)
        return result


def _bias(decay: float, steps: Tensor) -> Tensor:
    """What an average that began with 0 has gathered after so many steps; 1 where none was."""
    return torch.where(steps > 0, 1 - decay**steps, 1.0)


def _interpolated(values: Tensor, shape: tuple[int, int]) -> Tensor:
    return F.interpolate(values[None], size=shape, mode="bilinear", align_corners=False)[0]


def _dot(one: Tensor, other: Tensor) -> Tensor:
    return (one * other).sum(dtype=torch.float64)


def _norm(values: Tensor) -> Tensor:
    return _dot(values, values).sqrt()


def _first_scale(direction: Tensor) -> Tensor:
    """Without curvature yet: a step that moves the farthest pixel by a share of the range."""
    largest = direction.abs().max()
    return torch.where(largest > 0, _FIRST_MOVE / largest, 0)


def _shrink(loss: float, expected: float, trial_loss: float) -> float:
    """The minimum of the parabola through what is known, kept between a tenth and a half."""
    curvature = trial_loss - loss - expected
    if curvature <= 0 or expected >= 0:
        return 0.5
    return min(0.5, max(0.1, -expected / (2 * curvature)))
