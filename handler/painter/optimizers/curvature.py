"""How strongly a loss curves at each place and frequency, from steps and changes of gradient.

Losses over features that are alike everywhere have Hessians that are nearly diagonal in Fourier
space: they curve some twenty times less for the finest and the broadest forms of a canvas than
for those between. One number for all of it leaves these forms behind.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

# What a pair told is forgotten by this factor with each that follows: the canvas moves on.
_MEMORY: Final = 0.9
# Places are told apart by averages over so many pixels a side, taken twice.
_AROUND: Final = 9
# The shares of the mean that are added to what was seen of a place and of an octave, so that
# one where next to nothing moved counts as a usual one.
_PLACE_FLOOR: Final = 0.05
_OCTAVE_FLOOR: Final = 1e-6
# A whole number of octaves may come out a little less.
_ROUNDING: Final = 1e-6


class Curvature:
    """A symmetric positive definite guess at the inverse Hessian, D Fᵀ h F D.

    D scales places and h octaves of radial frequency, by roots of Σ‖step‖² / Σ‖change‖² there;
    F is the Fourier transform of brightness and of two differences of colors. With the newest
    pair's step s and change y of the gradient the whole is scaled as Nocedal & Wright 2006,
    eq. 7.20, scale the identity: their γ = sᵀy / yᵀy becomes sᵀy / yᵀ(D Fᵀ h F D)y.
    """

    def __init__(self, canvas: Tensor) -> None:
        self._axes = _color_axes(canvas)
        self._octaves = _octaves(canvas)
        self._by_place = canvas.new_zeros(2, *canvas.shape[-2:])
        self._by_octave = canvas.new_zeros(2, len(canvas), _count(canvas))
        self._gain = torch.ones_like(canvas[0])
        self._response = torch.ones_like(self._octaves)

    def learn(self, step: Tensor, change: Tensor, product: Tensor) -> None:
        """Takes in a pair of differences whose product stepᵀchange is positive; a scalar.

        A pair whose product is not changes nothing.
        """
        counts = product > 0
        # Divided by it all pairs count alike, though steps become ever smaller.
        share = torch.where(counts, 1 / product, 0).to(step.dtype)
        memory = torch.where(counts, _MEMORY, 1.0)
        self._by_place.mul_(memory)
        for held, new in zip(self._by_place, (step, change), strict=True):
            held.add_(new.square().sum(0).mul_(share))
        self._gain = _ratios(_blurred(self._by_place), _PLACE_FLOOR).sqrt_()
        powers = self._power(step / self._gain), self._power(change * self._gain)
        self._by_octave.mul_(memory)
        for sums, power in zip(self._by_octave, powers, strict=True):
            sums.add_(self._summed(power).mul_(share))
        ratios = _ratios(self._by_octave, _OCTAVE_FLOOR)
        response = self._spread(_smoothed(ratios.log())).exp_()
        expected = (powers[1] * response).sum(dtype=torch.float64)
        response.mul_(product / expected)
        self._response = torch.where(counts, response, self._response)

    def inverse_times(self, vector: Tensor) -> Tensor:
        """The guess times a vector [C, H, W]."""
        spectrum = self._spectrum(vector * self._gain).mul_(self._response)
        shape = (vector.shape[-2], vector.shape[-1])
        seen = torch.fft.irfft2(spectrum, s=shape, norm="ortho")
        return _mixed(self._axes.T, seen).mul_(self._gain)

    def _spectrum(self, values: Tensor) -> Tensor:
        spectrum: Tensor = torch.fft.rfft2(_mixed(self._axes, values), norm="ortho")
        return spectrum

    def _power(self, values: Tensor) -> Tensor:
        """The squared spectrum; what rfft2 leaves out, the mirror of the rest, is added to it."""
        spectrum = self._spectrum(values)
        power = spectrum.real.square().add_(spectrum.imag.square())
        power[..., 1 : (values.shape[-1] + 1) // 2] *= 2
        return power

    def _summed(self, power: Tensor) -> Tensor:
        """Sums [C, octaves] of what each frequency [C, H, W/2 + 1] has."""
        return torch.stack([power.flatten(1) @ part.flatten() for part in self._parts()], -1)

    def _spread(self, values: Tensor) -> Tensor:
        """A value for each frequency, between those [C, octaves] of the octaves around it."""
        spread = torch.zeros_like(self._octaves).repeat(len(values), 1, 1)
        for column, part in zip(values.unbind(-1), self._parts(), strict=True):
            spread.addcmul_(column[:, None, None], part)
        return spread

    def _parts(self) -> Iterator[Tensor]:
        """For each octave how much of each frequency is its own; they add up to 1."""
        for octave in range(self._by_octave.shape[-1]):
            yield (self._octaves - octave).abs_().neg_().add_(1).clamp_(min=0)


def _color_axes(canvas: Tensor) -> Tensor:
    """Orthonormal rows, brightness and differences of channels: a cosine transform."""
    place = torch.arange(len(canvas), dtype=canvas.dtype, device=canvas.device)
    axes = torch.cos(math.pi / len(canvas) * place[:, None] * (place + 0.5))
    return F.normalize(axes)


def _mixed(axes: Tensor, values: Tensor) -> Tensor:
    return (axes @ values.flatten(1)).view_as(values)


def _octaves(canvas: Tensor) -> Tensor:
    """How many octaves the frequencies of torch's rfft2 lie above one wave a canvas."""
    kind, where = canvas.dtype, canvas.device
    height, width = canvas.shape[-2:]
    down = torch.fft.fftfreq(height, dtype=kind, device=where)[:, None]
    across = torch.fft.rfftfreq(width, dtype=kind, device=where)
    return torch.hypot(down, across).mul_(max(height, width)).clamp_(min=1).log2_()


def _count(canvas: Tensor) -> int:
    """How many octaves there are up to the highest frequency, and one more to lean on."""
    height, width = canvas.shape[-2:]
    highest = math.hypot(height // 2 / height, width // 2 / width) * max(height, width)
    return math.floor(math.log2(max(1.0, highest)) + _ROUNDING) + 2


def _ratios(sums: Tensor, floor: float) -> Tensor:
    """√(Σ‖step‖² / Σ‖change‖²) of two stacked sums, relative to that of all together."""
    means = sums.mean((-2, -1), keepdim=True).clamp(min=torch.finfo(sums.dtype).tiny)
    step, change = (sums / means).add_(floor)
    ratios: Tensor = step / change
    return ratios.sqrt_()


def _blurred(maps: Tensor) -> Tensor:
    """Averages over squares, twice: along each axis in turn."""
    averaged = _pooled if maps.is_cuda else _averaged
    for _ in range(4):
        maps = averaged(maps).transpose(-2, -1)
    return maps


def _pooled(maps: Tensor) -> Tensor:
    """What `_averaged` gives, in a fixed order on CUDA too, where running sums have none."""
    return F.avg_pool1d(maps, _AROUND, 1, _AROUND // 2, count_include_pad=False)


def _averaged(maps: Tensor) -> Tensor:
    """Averages along the last axis, over fewer values at its ends."""
    length = maps.shape[-1]
    place = torch.arange(length, device=maps.device)
    before, last = place - _AROUND // 2 - 1, (place + _AROUND // 2).clamp(max=length - 1)
    sums = maps.cumsum(-1)
    left = sums.index_select(-1, before.clamp(min=0)) * (before >= 0)
    return (sums.index_select(-1, last) - left) / (last - before.clamp(min=-1))


def _smoothed(values: Tensor) -> Tensor:
    """Each value and its neighbors, 1 : 2 : 1; octaves of few frequencies are seen badly."""
    padded = F.pad(values[None], (1, 1), mode="replicate")[0]
    return (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
