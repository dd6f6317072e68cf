"""What a loss has to have that compares a canvas with a style at one layer.

A new one is a class in a file of its own: see `StyleLoss`, and `sliced.py` for an example. It
becomes an option by its name in `catalog.STYLE_LOSSES` and in the options' catalog.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Final, Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor

# The least norm of a loss is that of features whose energy is such a share of the usual.
FLOOR: Final = 0.01


class Statistics(Protocol):
    """Sums over the positions of one layer's features; those of disjoint sets add up.

    `count` is how many positions they are of, or the sum of their weights; `means` are the sums by
    position: what styles are blended by, and what is kept of one.
    """

    @property
    def count(self) -> Tensor | float: ...

    @property
    def means(self) -> tuple[Tensor, ...]: ...

    def __add__(self, other: Self) -> Self: ...


@dataclass(frozen=True, slots=True)
class MeansGradient:
    """The gradient of a loss with respect to means, in their order; None where it is 0.

    All of it is to be multiplied by `scale`, a scalar.
    """

    values: tuple[Tensor | None, ...]
    scale: Tensor


S = TypeVar("S", bound=Statistics)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StyleLoss(ABC, Generic[S, T]):
    """One way to compare features [C, h, w] with a style's at one layer.

    Only statistics are compared: sums over positions S, so that a canvas may be evaluated tile by
    tile, a style is gathered once, and several are blended. `energy` is the mean square of the
    layer's features on noise, which the least norm of a loss rests on.
    """

    energy: float

    @classmethod
    def at(cls, energy: float, channels: int, device: torch.device) -> Self:
        """The loss at a layer of so many channels, on a device."""
        return cls(energy)

    @staticmethod
    def bytes_at(channels: int) -> int:
        """What a style takes at a layer, where that is not small beside the layer's features."""
        return 0

    @property
    @abstractmethod
    def kind(self) -> str:
        """What a style's statistics are kept by; losses of one kind share them."""

    @abstractmethod
    def of_style(self, features: Tensor, weights: Tensor | None) -> S:
        """What is kept of a style: sums over its positions, weighted by [h, w] if given."""

    def of_canvas(self, features: Tensor, weights: Tensor | None) -> S:
        """What is compared of a canvas, where that is less than what is kept of a style."""
        return self.of_style(features, weights)

    @abstractmethod
    def target(self, means: tuple[Tensor, ...]) -> T:
        """What canvases are compared with, made once from a style's means."""

    @abstractmethod
    def compare(self, statistics: S, target: T) -> tuple[Tensor, MeansGradient]:
        """The dimensionless loss, a scalar, and its gradient with respect to the canvas's means."""

    def weigh(
        self, statistics: S, target: T, share: Tensor, weight: Tensor
    ) -> tuple[Tensor, MeansGradient]:
        """The loss of a region with such a share, and its gradient times the term's weight, too."""
        loss, gradient = self.compare(statistics, target)
        scale = weight * share
        return share * loss, replace(gradient, scale=gradient.scale * scale)

    def gradient(
        self,
        features: Tensor,
        statistics: S,
        to_means: MeansGradient,
        weights: Tensor | None = None,
        onto: Tensor | None = None,
    ) -> Tensor:
        """The gradient with respect to features, added to `onto`, which is used up.

        `statistics` are those of all positions, of which the features may be some. This one
        goes by autograd; a loss whose gradient has a closed form says it.
        """
        with torch.enable_grad():
            leaf = features.detach().clone().requires_grad_()
            # Means of all positions change by what these few change, over the count of all.
            part = self.of_style(leaf, weights)
            share = part.count / statistics.count
            terms = [
                (mean * value).sum() * share
                for mean, value in zip(part.means, to_means.values, strict=True)
                if value is not None
            ]
            (gradient,) = torch.autograd.grad(torch.stack(terms).sum(), leaf)
        gradient = (gradient * to_means.scale).to(features.dtype)
        return gradient if onto is None else onto.add_(gradient)


def rows_of(features: Tensor) -> Tensor:
    """Features [C, h, w] as [positions, C]; a view where they are channels-last."""
    return features.permute(1, 2, 0).reshape(-1, features.shape[0])
