"""Wasserstein-2 between the Gaussians of the features of two pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from painter.losses.moments import Moments, OfMoments
from painter.losses.roots import RANK, eigh, roots, slim_root
from painter.losses.style_loss import FLOOR, MeansGradient

# What is added to both covariances where roots are had by products alone, as a share of the
# style's mean variance: those have no root of a fixed shape and accuracy without it.
_REGULARIZED: Final = 1e-4


@dataclass(frozen=True, slots=True)
class WassersteinTarget:
    """The style's mean [C], a root of its covariance, and what makes the loss relative (a scalar).

    `root` [C, rank] times its transpose is the covariance, or [C, C] in float64 the covariance
    plus `added` (a scalar) on its diagonal.
    """

    mean: Tensor
    norm: Tensor
    root: Tensor
    added: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Wasserstein(OfMoments[WassersteinTarget]):
    """Squared 2-Wasserstein distance of two Gaussians, over the trace of the style's Gram.

    ‖μ − μˢ‖² + tr(Σ + Σˢ − 2 (Rᵀ Σ R)^½) with R Rᵀ = Σˢ (Dowson & Landau 1982, eq. 4, where
    R is the symmetric root; any root has the same eigenvalues, and one of the style's own rank
    is small where a layer has few positions). Only the trace of the root is needed, so its
    gradient is ½ R (Rᵀ Σ R)^−½ Rᵀ: no root is differentiated.

    An eigenvalue solver has the host wait for the device. So on CUDA both covariances have a
    little added to their diagonals, which changes nothing where they agree, and roots are had
    by products alone.
    """

    def target(self, means: tuple[Tensor, ...]) -> WassersteinTarget:
        mean, gram = means
        norm = gram.trace().clamp(min=FLOOR * self.energy * len(mean))
        if needs_products(gram):
            covariance = gram.double() - torch.outer(mean.double(), mean.double())
            tiny = torch.finfo(mean.dtype).tiny
            added = covariance.trace().clamp(min=tiny) * _REGULARIZED / len(mean)
            root, _ = roots(_raised(covariance, added))
            return WassersteinTarget(mean, norm, root, added)
        return WassersteinTarget(mean, norm, slim_root(gram - torch.outer(mean, mean)))

    def compare(
        self, statistics: Moments, target: WassersteinTarget
    ) -> tuple[Tensor, MeansGradient]:
        mean, gram = statistics.means
        covariance = gram - torch.outer(mean, mean)
        variances, to_gram = _transport(covariance, target)
        shift = mean - target.mean
        # Σ = E[f fᵀ] − μ μᵀ, so the mean counts through the covariance as well.
        to_mean = 2 * shift - 2 * to_gram @ mean
        loss = (shift.square().sum() + variances) / target.norm
        return loss, MeansGradient((to_mean, to_gram), 1 / target.norm)


def needs_products(gram: Tensor) -> bool:
    """Whether an eigenvalue solver would have the host wait for the device."""
    return gram.is_cuda


def _transport(covariance: Tensor, target: WassersteinTarget) -> tuple[Tensor, Tensor]:
    """tr(Σ + Σˢ − 2 (Rᵀ Σ R)^½), and its gradient with respect to Σ [C, C]."""
    root = target.root
    identity = torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)
    if target.added is None:
        values, vectors = eigh(root.T @ covariance @ root)
        positive = values > RANK * values[-1].clamp(min=1e-30)
        of_both = values.clamp(min=0).sqrt()
        inverse = torch.where(positive, 1 / of_both, 0)
        half, trace = root @ vectors, covariance.trace()
        gradient = identity - (half * inverse) @ half.T
        overlap = of_both.sum()
    else:
        raised = _raised(covariance.double(), target.added)
        both, inverse = roots(root @ raised @ root)
        gradient = identity - (root @ inverse @ root).to(covariance.dtype)
        trace, overlap = raised.trace(), both.trace()
    # A difference of large numbers: rounding takes it below 0 where the two nearly agree.
    variances = (trace + root.square().sum() - 2 * overlap).clamp(min=0)
    return variances.to(covariance.dtype), gradient


def _raised(covariance: Tensor, added: Tensor) -> Tensor:
    """A covariance [C, C] with a scalar added to its diagonal."""
    return covariance + torch.diag_embed(added.expand(len(covariance)))
