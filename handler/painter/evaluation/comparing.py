"""What features come to beside an objective: unweighted terms, and gradients at the taps."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from painter.canvas.layout import Shift
from painter.canvas.masks import TapWeights
from painter.canvas.tiles import Tile, owned, owned_to_add_to
from painter.evaluation.objective import Layout, Objective
from painter.losses.hypercolumns import GRID
from painter.losses.style_loss import MeansGradient, Statistics
from painter.losses.terms import Term

RegionStatistics = Mapping[tuple[int, Term], Statistics]
RegionGradients = Mapping[tuple[int, Term], MeansGradient]
Losses = dict[Term, Tensor]


def region_statistics(
    objective: Objective, layout: Layout, tile: Tile | None, features: Mapping[str, Tensor]
) -> dict[tuple[int, Term], Statistics]:
    """The statistics of every region for every style term over the positions a tile owns."""
    return {
        (index, term): loss.of_canvas(
            owned(tile, features, term.layer), _part(tile, weights, term.layer)
        )
        for index, weights in enumerate(layout.region_weights)
        for term, loss in objective.style_losses.items()
    }


def compare_styles(
    objective: Objective, by_region: RegionStatistics
) -> tuple[Losses, dict[tuple[int, Term], MeansGradient]]:
    """The style loss of each term, and the total's gradient at each region's means."""
    losses: Losses = {}
    gradients: dict[tuple[int, Term], MeansGradient] = {}
    for (index, term), statistics in by_region.items():
        region = objective.regions[index]
        loss, gradients[index, term] = objective.style_losses[term].weigh(
            statistics, region.targets[term], region.share, objective.weight_of(term)
        )
        losses[term] = losses[term] + loss if term in losses else loss
    return losses, gradients


def tap_gradients(
    objective: Objective,
    layout: Layout,
    tile: Tile | None,
    features: Mapping[str, Tensor],
    content: Mapping[str, Tensor],
    by_region: RegionStatistics,
    to_means: RegionGradients,
) -> tuple[Losses, dict[str, Tensor]]:
    """The content loss of each term, and the total's gradient at every tap."""
    losses: Losses = {}
    gradients: dict[str, Tensor] = {}
    for term, loss in objective.content_losses.items():
        tap = term.layer
        losses[term], gradients[tap] = loss.compare(
            owned(tile, features, tap),
            owned(tile, content, tap),
            _part(tile, layout.content_weights, tap),
            objective.weight_of(term),
        )
    for (index, term), gradient in to_means.items():
        tap = term.layer
        gradients[tap] = objective.style_losses[term].gradient(
            owned(tile, features, tap),
            by_region[index, term],
            gradient,
            _part(tile, layout.region_weights[index], tap),
            gradients.get(tap),
        )
    if tile is not None:
        gradients = {tap: _within(tile, tap, features[tap], gradients[tap]) for tap in gradients}
    return losses, gradients


def neighbor_losses(
    objective: Objective,
    shift: Shift,
    tile: Tile | None,
    features: Mapping[str, Tensor],
    gradients: dict[str, Tensor] | None,
) -> Losses:
    """The losses of several layers at once; what they add to the gradients at the taps is added."""
    losses: Losses = {}
    for term, loss in objective.joint_losses.items():
        mine = {tap: owned(tile, features, tap) for tap in loss.taps}
        onto = None
        if gradients is not None:
            onto = {tap: owned_to_add_to(tile, gradients, features, tap) for tap in loss.taps}
        for region in objective.regions:
            nearby = region.neighborhood
            assert nearby is not None  # as there is a loss of neighbors
            places, weights = nearby.by_shift[shift]
            if tile is not None:
                places = tile.of_whole(places, GRID)
                weights = None if weights is None else tile.of_whole(weights, GRID)
            scale = objective.weight_of(term) * region.share
            value = loss.compare(mine, places, nearby.style, weights, nearby.total, scale, onto)
            losses[term] = losses.get(term, 0) + region.share * value
    return losses


def terms_of(objective: Objective, losses: Mapping[Term, Tensor], tv: Tensor) -> Tensor:
    """Unweighted terms [terms] and the variation in float64, in the order of a total's weights."""
    return torch.stack([*(losses[term] for term in objective.terms), tv]).double()


def _part(tile: Tile | None, weights: TapWeights | None, tap: str) -> Tensor | None:
    if weights is None:
        return None
    return weights[tap] if tile is None else tile.of_whole(weights[tap], tap)


def _within(tile: Tile, tap: str, features: Tensor, gradient: Tensor) -> Tensor:
    """The gradient of the positions that a tile owns, with nothing in its halo."""
    whole = torch.zeros_like(features)
    tile.owned(whole, tap).copy_(gradient)
    return whole
