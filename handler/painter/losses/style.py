"""The losses, each with its gradient in closed form.

Losses are dimensionless, so that one pair of weights gives one look at every size and with
every layer; see each function for the formula and for what differs from the paper.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from painter.losses.roots import RANK, eigh, roots, slim_root

# Sums over positions run in float32 over products of the trunk's own type, in pieces, since a
# bfloat16 product can only be had rounded to bfloat16: eight pieces at least, of this many
# positions at most.
_PIECES_LEAST: Final = 8
_PIECE_MOST: Final = 1024
# Differences of neighboring pixels are taken in bands of about so many.
_BAND_PIXELS: Final = 2**18
# The least norm of a loss is that of features whose energy is such a share of the usual.
FLOOR: Final = 0.01
# What is added to both covariances where roots are had by products alone, as a share of the
# style's mean variance: those have no root of a fixed shape and accuracy without it.
_REGULARIZED: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over the positions of one layer's features: of 1, of f and of f fᵀ.

    `count` is a number, or a scalar (the sum of the weights) where positions are weighted; `first`
    is [C], or None where it is not needed, and `second` is [C, C]. Sums of disjoint sets of
    positions add up.
    """

    count: Tensor | float
    first: Tensor | None
    second: Tensor

    def __add__(self, other: Moments) -> Moments:
        first = None
        if self.first is not None and other.first is not None:
            first = self.first + other.first
        return Moments(self.count + other.count, first, self.second + other.second)

    @property
    def mean(self) -> Tensor:
        """The mean feature [C]."""
        assert self.first is not None
        return self.first / self.count

    @property
    def gram(self) -> Tensor:
        """The Gram matrix per position [C, C]."""
        return self.second / self.count


@dataclass(frozen=True, slots=True)
class StyleTarget:
    """What the statistics of one layer are drawn to: mean [C] and Gram matrix [C, C].

    `norm` is the scalar that makes the loss relative. For Wasserstein-2 alone: `root` [C, rank]
    times its transpose is the covariance, or [C, C] in float64 the covariance plus `added` (a
    scalar) on its diagonal.
    """

    mean: Tensor
    gram: Tensor
    norm: Tensor
    root: Tensor | None = None
    added: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Pull:
    """The gradient of a style loss with respect to the means: of f [C] and of f fᵀ [C, C].

    Both are to be multiplied by `scale`, a scalar.
    """

    first: Tensor | None
    second: Tensor
    scale: Tensor


def moments(features: Tensor, weights: Tensor | None = None, with_first: bool = True) -> Moments:
    """Sums over the positions of features [C, H, W], weighted by weights [H, W] if given.

    `with_first` is False where the Gram matrix alone is needed.
    """
    rows = _rows(features)
    weighted = rows if weights is None else rows * weights.reshape(-1, 1).to(rows.dtype)
    kind = torch.promote_types(features.dtype, torch.float32)
    count = float(len(rows)) if weights is None else weights.sum(dtype=kind)
    first = weighted.sum(0, dtype=kind) if with_first else None
    return Moments(count, first, _outer_sum(weighted, rows, kind))


def style_target(mean: Tensor, gram: Tensor, kind: str, floor: float = 0.0) -> StyleTarget:
    """The target of a `gram` or `wasserstein` loss, from the style's means.

    `floor` is the least norm: a style without features would divide by nothing.
    """
    if kind == "gram":
        return StyleTarget(mean, gram, gram.square().sum().clamp(min=floor))
    if gram.is_cuda:
        return regularized_target(mean, gram, floor)
    covariance = gram - torch.outer(mean, mean)
    return StyleTarget(mean, gram, gram.trace().clamp(min=floor), slim_root(covariance))


def regularized_target(mean: Tensor, gram: Tensor, floor: float = 0.0) -> StyleTarget:
    """The target of a Wasserstein-2 loss whose roots are had by products alone."""
    covariance = gram.double() - torch.outer(mean.double(), mean.double())
    added = covariance.trace().clamp(min=torch.finfo(mean.dtype).tiny) * _REGULARIZED / len(mean)
    root, _ = roots(_raised(covariance, added))
    return StyleTarget(mean, gram, gram.trace().clamp(min=floor), root, added)


def gram_loss(own: Moments, target: StyleTarget) -> tuple[Tensor, Pull]:
    """‖G − Gˢ‖² / max(‖Gˢ‖², floor) with G = F Fᵀ / positions; Gatys et al. 2016, eq. 4-5.

    The paper divides by 4 C² N² instead; dividing by the style's own norm makes the loss 1
    where the painting has no features at all, whatever the layer, size or network.
    """
    difference = own.gram - target.gram
    return difference.square().sum() / target.norm, Pull(None, difference, 2 / target.norm)


def wasserstein_loss(own: Moments, target: StyleTarget) -> tuple[Tensor, Pull]:
    """Squared 2-Wasserstein distance of two Gaussians, over the trace of the style's Gram.

    ‖μ − μˢ‖² + tr(Σ + Σˢ − 2 (Rᵀ Σ R)^½) with R Rᵀ = Σˢ (Dowson & Landau 1982, eq. 4, where
    R is the symmetric root; any root has the same eigenvalues, and one of the style's own rank
    is small where a layer has few positions). Only the trace of the root is needed, so its
    gradient is ½ R (Rᵀ Σ R)^−½ Rᵀ: no root is differentiated.

    An eigenvalue solver has the host wait for the device. So on CUDA both covariances have a
    little added to their diagonals, which changes nothing where they agree, and roots are had
    by products alone.
    """
    mean, gram = own.mean, own.gram
    covariance = gram - torch.outer(mean, mean)
    variances, pull = _transport(covariance, target)
    shift = mean - target.mean
    # Σ = E[f fᵀ] − μ μᵀ, so the mean is pulled through the covariance as well.
    first = 2 * shift - 2 * pull @ mean
    loss = (shift.square().sum() + variances) / target.norm
    return loss, Pull(first, pull, 1 / target.norm)


def _transport(covariance: Tensor, target: StyleTarget) -> tuple[Tensor, Tensor]:
    """tr(Σ + Σˢ − 2 (Rᵀ Σ R)^½), and its gradient with respect to Σ [C, C]."""
    assert target.root is not None
    root = target.root
    identity = torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)
    if target.added is None:
        values, vectors = eigh(root.T @ covariance @ root)
        positive = values > RANK * values[-1].clamp(min=1e-30)
        of_both = values.clamp(min=0).sqrt()
        inverse = torch.where(positive, 1 / of_both, 0)
        half, trace = root @ vectors, covariance.trace()
        pull = identity - (half * inverse) @ half.T
        overlap = of_both.sum()
    else:
        raised = _raised(covariance.double(), target.added)
        both, inverse = roots(root @ raised @ root)
        pull = identity - (root @ inverse @ root).to(covariance.dtype)
        trace, overlap = raised.trace(), both.trace()
    # A difference of large numbers: rounding takes it below 0 where the two nearly agree.
    variances = (trace + root.square().sum() - 2 * overlap).clamp(min=0)
    return variances.to(covariance.dtype), pull


def _raised(covariance: Tensor, added: Tensor) -> Tensor:
    """A covariance [C, C] with a scalar added to its diagonal."""
    return covariance + torch.diag_embed(added.expand(len(covariance)))


STYLE_LOSSES: Final = {"gram": gram_loss, "wasserstein": wasserstein_loss}


def style_gradient(
    features: Tensor,
    own: Moments,
    pull: Pull,
    weights: Tensor | None = None,
    onto: Tensor | None = None,
) -> Tensor:
    """The gradient with respect to features [C, H, W] of a loss that pulls at their means.

    It is added to `onto`, which is used up. d(f fᵀ)/df is symmetric, so the product carries a
    factor of two.
    """
    kind = features.dtype
    rows = _rows(features)
    matrix = (pull.second * (pull.scale * 2 / own.count)).to(kind)
    if onto is not None and weights is None:
        gradient = _rows(onto).addmm_(rows, matrix)
    else:
        gradient = rows @ matrix
    if pull.first is not None:
        gradient += (pull.first * (pull.scale / own.count)).to(kind)
    if weights is not None:
        gradient *= weights.reshape(-1, 1).to(kind)
        gradient = gradient if onto is None else gradient.add_(_rows(onto))
    return gradient.view(*features.shape[1:], features.shape[0]).permute(2, 0, 1)


def energy(features: Tensor, weights: Tensor | None = None) -> Tensor:
    """Σ w f² over features [C, H, W] and weights [H, W]: a scalar in float32 at least."""
    kind = torch.promote_types(features.dtype, torch.float32)
    if weights is None:
        # PyTorch copies features to square them in float32, but not for norms. In bfloat16 each
        # position's is rounded; over thousands of them the roundings cancel out.
        norms: Tensor = torch.linalg.vector_norm(_rows(features), dim=1)
        return norms.to(kind).square().sum()
    return (features.to(kind).square() * weights).sum()


def content_loss(
    features: Tensor,
    target: Tensor,
    norm: Tensor,
    weights: Tensor | None = None,
    scale: Tensor | float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Σ w (F − P)² / norm, and its gradient times `scale`; Gatys et al. 2016, eq. 1.

    `norm` is the content's own energy Σ w P², where the paper has ½ without a norm.
    """
    difference = features - target
    loss = energy(difference, weights) / norm
    gradient = difference.mul_((2 * scale / norm).to(features.dtype))
    return loss, gradient if weights is None else gradient.mul_(weights.to(features.dtype))


def variation(
    canvas: Tensor, gradient: Tensor | None = None, weight: Tensor | float = 1.0
) -> Tensor:
    """Squared differences of neighboring pixels [3, H, W], per pixel.

    What its gradient is, times a weight, is added to a gradient [3, H, W] that is given.
    """
    pixels = canvas.shape[-2] * canvas.shape[-1]
    scale = 2 * weight / pixels
    sums = []
    for first, down, right in _differences(canvas):
        sums += [down.square().sum(), right.square().sum()]
        if gradient is not None:
            down.mul_(scale)
            gradient[:, first + 1 : first + 1 + down.shape[1]].add_(down)
            gradient[:, first : first + down.shape[1]].sub_(down)
            right.mul_(scale)
            rows = gradient[:, first : first + right.shape[1]]
            rows[:, :, 1:].add_(right)
            rows[:, :, :-1].sub_(right)
    return torch.stack(sums).sum() / pixels


def _differences(canvas: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Band by band, for a large canvas's sake: its first row, differences down and right."""
    rows = max(1, _BAND_PIXELS // canvas.shape[2])
    for first in range(0, canvas.shape[1], rows):
        band = canvas[:, first : first + rows + 1]
        own = band[:, :rows]
        yield first, band[:, 1:] - band[:, :-1], own[:, :, 1:] - own[:, :, :-1]


def _rows(features: Tensor) -> Tensor:
    """Features [C, H, W] as [positions, C]; a view where they are channels-last."""
    return features.permute(1, 2, 0).reshape(-1, features.shape[0])


def _outer_sum(left: Tensor, right: Tensor, kind: torch.dtype) -> Tensor:
    if left.dtype == kind:
        return left.T @ right
    piece = min(_PIECE_MOST, 1 << max(0, (len(left) // _PIECES_LEAST).bit_length() - 1))
    whole = len(left) // piece * piece
    pieces = (whole // piece, piece, -1)
    products = torch.bmm(left[:whole].view(pieces).transpose(1, 2), right[:whole].view(pieces))
    return products.sum(0, dtype=kind) + left[whole:].to(kind).T @ right[whole:].to(kind)
