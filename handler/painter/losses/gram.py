"""Gram matrices: Gatys, Ecker and Bethge 2016."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from painter.device.fusing import Fused
from painter.losses.moments import Moments, OfMoments, moments
from painter.losses.style_loss import FLOOR, MeansGradient


@dataclass(frozen=True, slots=True)
class GramTarget:
    """The style's Gram matrix [C, C], and the scalar that makes the loss relative."""

    gram: Tensor
    norm: Tensor


@dataclass(frozen=True, slots=True)
class Gram(OfMoments[GramTarget]):
    """‖G − Gˢ‖² / max(‖Gˢ‖², floor) with G = F Fᵀ / positions; Gatys et al. 2016, eq. 4-5.

    The paper divides by 4 C² N² instead; dividing by the style's own norm makes the loss 1
    where the painting has no features at all, whatever the layer, size or network.
    """

    def of_canvas(self, features: Tensor, weights: Tensor | None) -> Moments:
        return moments(features, weights, with_first=False)

    def target(self, means: tuple[Tensor, ...]) -> GramTarget:
        _, gram = means
        floor = (FLOOR * self.energy) ** 2 * len(gram)
        return GramTarget(gram, gram.square().sum().clamp(min=floor))

    def compare(self, statistics: Moments, target: GramTarget) -> tuple[Tensor, MeansGradient]:
        difference = statistics.gram - target.gram
        loss = difference.square().sum() / target.norm
        return loss, MeansGradient((None, difference), 2 / target.norm)

    def weigh(
        self, statistics: Moments, target: GramTarget, share: Tensor, weight: Tensor
    ) -> tuple[Tensor, MeansGradient]:
        if not isinstance(statistics.count, float) or not WEIGHED.serves(statistics.second):
            return OfMoments.weigh(self, statistics, target, share, weight)
        given = (statistics.second, target.gram, target.norm, share, weight, statistics.count)
        loss, difference, scale = WEIGHED(*given)
        return loss, MeansGradient((None, difference), scale)


Weighed = tuple[Tensor, Tensor, Tensor]


def _weigh(
    second: Tensor, gram: Tensor, norm: Tensor, share: Tensor, weight: Tensor, positions: float
) -> Weighed:
    difference = second / positions - gram
    scale = (2 / norm * (weight * share)).float()
    return share * (difference.square().sum() / norm), difference, scale


def _launch(
    second: Tensor, gram: Tensor, norm: Tensor, share: Tensor, weight: Tensor, positions: float
) -> Weighed:
    from painter.losses import kernels

    difference, block = torch.empty_like(gram), kernels.MATRIX_BLOCK
    programs = -(-gram.numel() // block)
    scale, losses = (torch.empty(shape, device=gram.device) for shape in ((), programs))
    given = (second.contiguous(), gram.contiguous(), norm, share, weight)
    made = (difference, scale, losses)
    kernels.gram[(programs,)](*given, *made, positions, gram.numel(), block)
    return losses.sum(), difference, scale


def _shapes(
    second: Tensor, gram: Tensor, norm: Tensor, share: Tensor, weight: Tensor, positions: float
) -> Weighed:
    loss, scale = (torch.empty((), device=gram.device) for _ in range(2))
    return loss, torch.empty_like(gram), scale


def _samples(
    device: torch.device, dtype: torch.dtype
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor, Tensor, float]]:
    for channels in (3, 64):
        features = torch.randn(2, 200, channels, device=device)
        second, style = features.mT @ features
        norm, share, weight = torch.rand(3, device=device).add_(0.5).unbind()
        yield second, style / 200, norm, share, weight.double(), 200.0


WEIGHED: Final = Fused(
    "gram(Tensor second, Tensor gram, Tensor norm, Tensor share, Tensor weight, float positions)"
    " -> (Tensor, Tensor, Tensor)",
    _weigh,
    _launch,
    _shapes,
    _samples,
    kernels=2,
)
