"""What one canvas is judged by on one level: total = alpha · content + beta · style + tv."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from painter.canvas.downsampling import Downsampling
from painter.canvas.layout import Shift
from painter.canvas.masks import TapWeights
from painter.canvas.tiles import Tile
from painter.losses.content import content_loss
from painter.losses.style_loss import FLOOR, MeansGradient, Statistics, StyleLoss
from painter.network.vgg import PassConfig


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the canvas with a style of its own; `share` is its part of the area, a scalar.

    `targets` are what the style loss of each style layer compares with.
    """

    share: Tensor
    targets: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """What depends on the shift: weights of positions (None: all count alike), and content.

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
    `downsampling` brings it.
    """

    config: PassConfig
    content_layers: tuple[str, ...]
    style_layers: tuple[str, ...]
    weights: Tensor
    has_variation: bool
    style_losses: Mapping[str, StyleLoss[Any, Any]]
    content: Tensor
    content_norms: Mapping[str, Tensor]
    regions: tuple[Region, ...]
    layouts: Mapping[Shift, Layout]
    coarser: Objective | None = None
    downsampling: Downsampling | None = None

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


RegionStatistics = Mapping[tuple[int, str], Statistics]
RegionGradients = Mapping[tuple[int, str], MeansGradient]


def norm_floor(energy: float, channels: int, positions: Tensor) -> Tensor:
    """The least norm of a content loss: the energy of features a tenth as large as usual."""
    return positions * (FLOOR * energy * channels)


def region_statistics(
    objective: Objective, layout: Layout, tile: Tile | None, features: Mapping[str, Tensor]
) -> dict[tuple[int, str], Statistics]:
    """The statistics of every region at every style tap over the positions a tile owns."""
    return {
        (index, tap): objective.style_losses[tap].of_canvas(
            _owned(tile, features[tap], tap), _part(tile, weights, tap)
        )
        for index, weights in enumerate(layout.region_weights)
        for tap in objective.style_layers
    }


def compare_styles(
    objective: Objective, by_region: RegionStatistics
) -> tuple[dict[str, Tensor], dict[tuple[int, str], MeansGradient]]:
    """The style loss of each layer, and the total's gradient at each region's means."""
    losses: dict[str, Tensor] = {}
    gradients: dict[tuple[int, str], MeansGradient] = {}
    for (index, tap), statistics in by_region.items():
        region = objective.regions[index]
        loss, gradient = objective.style_losses[tap].compare(statistics, region.targets[tap])
        losses[tap] = losses.get(tap, 0) + region.share * loss
        scale = objective.weight_of_style(tap) * region.share
        gradients[index, tap] = replace(gradient, scale=gradient.scale * scale)
    return losses, gradients


def tap_gradients(
    objective: Objective,
    layout: Layout,
    tile: Tile | None,
    features: Mapping[str, Tensor],
    content: Mapping[str, Tensor],
    by_region: RegionStatistics,
    to_means: RegionGradients,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The content loss of each layer, and the total's gradient at every tap."""
    losses: dict[str, Tensor] = {}
    gradients: dict[str, Tensor] = {}
    for tap in objective.content_layers:
        losses[tap], gradients[tap] = content_loss(
            _owned(tile, features[tap], tap),
            _owned(tile, content[tap], tap),
            objective.content_norms[tap],
            _part(tile, layout.content_weights, tap),
            objective.weight_of_content(tap),
        )
    for (index, tap), gradient in to_means.items():
        gradients[tap] = objective.style_losses[tap].gradient(
            _owned(tile, features[tap], tap),
            by_region[index, tap],
            gradient,
            _part(tile, layout.region_weights[index], tap),
            gradients.get(tap),
        )
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
