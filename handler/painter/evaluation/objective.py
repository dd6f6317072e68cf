"""What one canvas is judged by on one level: total = alpha · content + beta · style + tv."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from painter.canvas.downsampling import Shrinking
from painter.canvas.layout import Phase
from painter.canvas.masks import TapWeights
from painter.canvas.tiles import Tile
from painter.losses.style import (
    FLOOR,
    STYLE_LOSSES,
    Moments,
    Pull,
    StyleTarget,
    content_loss,
    moments,
    style_gradient,
)
from painter.network.vgg import Pass


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the canvas with a style of its own; `share` is its part of the area, a scalar."""

    share: Tensor
    targets: Mapping[str, StyleTarget]


@dataclass(frozen=True, slots=True)
class Placement:
    """What depends on the phase: weights of positions (None: all count alike), and content.

    `content` holds the photo's features at the content taps, or is None where they are made
    anew tile by tile because they would not fit.
    """

    content: Mapping[str, Tensor] | None
    content_weights: TapWeights | None
    region_weights: tuple[TapWeights | None, ...]


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Objective:
    """Targets and weights of one level; shared by all its evaluations, changed by none.

    `weights` [terms] on the device has what each term counts in the total, in float64: the content
    loss of each content layer, the style loss of each style layer, and the variation. `coarser` is
    the objective of the level before: a canvas is judged at half its size as well, to which
    `shrinking` brings it.
    """

    how: Pass
    content_layers: tuple[str, ...]
    style_layers: tuple[str, ...]
    weights: Tensor
    has_variation: bool
    style_loss: str
    content: Tensor
    content_norms: Mapping[str, Tensor]
    regions: tuple[Region, ...]
    placements: Mapping[Phase, Placement]
    coarser: Objective | None = None
    shrinking: Shrinking | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in px of the canvases it judges."""
        return self.content.shape[-2], self.content.shape[-1]

    def weight_of_content(self, tap: str) -> Tensor:
        """What the content loss of a layer counts in the total, a scalar."""
        return self.weights[self.content_layers.index(tap)]

    def weight_of_style(self, tap: str) -> Tensor:
        """What the style loss of a layer counts in the total, a scalar."""
        return self.weights[len(self.content_layers) + self.style_layers.index(tap)]

    @property
    def weight_of_variation(self) -> Tensor:
        """What the variation counts in the total, a scalar."""
        return self.weights[-1]


RegionMoments = Mapping[tuple[int, str], Moments]
RegionPulls = Mapping[tuple[int, str], Pull]


def norm_floor(energy: float, channels: int, positions: Tensor) -> Tensor:
    """The least norm of a content loss: the energy of features a tenth as large as usual."""
    return positions * (FLOOR * energy * channels)


def region_moments(
    objective: Objective, placement: Placement, tile: Tile | None, features: Mapping[str, Tensor]
) -> dict[tuple[int, str], Moments]:
    """The statistics of every region at every style tap over the positions a tile owns."""
    with_first = objective.style_loss == "wasserstein"
    return {
        (index, tap): moments(
            _owned(tile, features[tap], tap), _part(tile, weights, tap), with_first
        )
        for index, weights in enumerate(placement.region_weights)
        for tap in objective.style_layers
    }


def style_pulls(
    objective: Objective, own: RegionMoments
) -> tuple[dict[str, Tensor], dict[tuple[int, str], Pull]]:
    """The style loss of each layer, and how each region's statistics are drawn."""
    compare = STYLE_LOSSES[objective.style_loss]
    losses: dict[str, Tensor] = {}
    pulls: dict[tuple[int, str], Pull] = {}
    for (index, tap), statistics in own.items():
        region = objective.regions[index]
        loss, pull = compare(statistics, region.targets[tap])
        losses[tap] = losses.get(tap, 0) + region.share * loss
        scale = objective.weight_of_style(tap) * region.share
        pulls[index, tap] = replace(pull, scale=pull.scale * scale)
    return losses, pulls


def tap_gradients(
    objective: Objective,
    placement: Placement,
    tile: Tile | None,
    features: Mapping[str, Tensor],
    content: Mapping[str, Tensor],
    own: RegionMoments,
    pulls: RegionPulls,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The content loss of each layer, and the total's gradient at every tap."""
    losses: dict[str, Tensor] = {}
    gradients: dict[str, Tensor] = {}
    for tap in objective.content_layers:
        losses[tap], gradients[tap] = content_loss(
            _owned(tile, features[tap], tap),
            _owned(tile, content[tap], tap),
            objective.content_norms[tap],
            _part(tile, placement.content_weights, tap),
            objective.weight_of_content(tap),
        )
    for (index, tap), pull in pulls.items():
        part = _part(tile, placement.region_weights[index], tap)
        mine = _owned(tile, features[tap], tap)
        gradients[tap] = style_gradient(mine, own[index, tap], pull, part, gradients.get(tap))
    if tile is not None:
        gradients = {tap: _within(tile, tap, features[tap], gradients[tap]) for tap in gradients}
    return losses, gradients


def terms_of(
    objective: Objective, content: Mapping[str, Tensor], style: Mapping[str, Tensor], tv: Tensor
) -> Tensor:
    """The unweighted terms of a total [terms] in float64, in the order of its weights."""
    by_layer = [content[tap] for tap in objective.content_layers]
    by_layer += [style[tap] for tap in objective.style_layers]
    return torch.stack([*by_layer, tv]).double()


def _owned(tile: Tile | None, features: Tensor, tap: str) -> Tensor:
    return features if tile is None else tile.owned(features, tap)


def _part(tile: Tile | None, weights: TapWeights | None, tap: str) -> Tensor | None:
    if weights is None:
        return None
    return weights[tap] if tile is None else tile.of_whole(weights[tap], tap)


def _within(tile: Tile, tap: str, features: Tensor, gradient: Tensor) -> Tensor:
    """The gradient of the positions that a tile owns, with nothing in its halo."""
    whole = torch.zeros_like(features)
    tile.owned(whole, tap).copy_(gradient)
    return whole
