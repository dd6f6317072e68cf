"""What one canvas is judged by on one level: total = alpha · content + beta · style + tv."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from painter.canvas.downsampling import Downsampling
from painter.canvas.layout import Shift, padded_shape
from painter.canvas.masks import TapWeights
from painter.losses.content import L2
from painter.losses.hypercolumns import GRID
from painter.losses.neighbors import Neighbors, StyleSet
from painter.losses.sampled import SampledLoss
from painter.losses.style_loss import StyleLoss
from painter.losses.terms import Term
from painter.network.layers import stride_of
from painter.network.pass_config import PassConfig


@dataclass(frozen=True, slots=True)
class Neighborhood:
    """Neighbors of a region: those of its style, and which of them each position has.

    `places` [rows, columns] are rows of the set, for a centered canvas. `weights` are those of the
    positions (None: all count alike), and `total`, a scalar, is their sum. `by_shift` has places
    and weights as they lie on a canvas that is shifted; nothing before neighbors were found.
    """

    style: StyleSet
    places: Tensor
    weights: Tensor | None
    total: Tensor
    by_shift: Mapping[Shift, tuple[Tensor, Tensor | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sampling:
    """A loss at sampled positions, of a region's style or (`style` is None) of the photo.

    `pool` has for each shift the samples that take turns, places [K] on the grid row by row;
    `places` are those of now, and `photo` the photo's hypercolumns [K, D] there.
    """

    term: Term
    loss: SampledLoss[Any]
    share: Tensor
    style: StyleSet | None
    pool: Mapping[Shift, tuple[Tensor, ...]]
    places: Mapping[Shift, Tensor]
    photo: Mapping[Shift, Tensor]


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the canvas with a style of its own; `share` is its part of the area, a scalar.

    `targets` are what the style loss of each term compares with, `neighborhood` is there where
    neighbors are looked for.
    """

    share: Tensor
    targets: Mapping[Term, Any]
    neighborhood: Neighborhood | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """What depends on the shift: weights of positions (None: all count alike), and content.

    `content` holds the photo's features at the content taps, or is None where they are made
    anew tile by tile because they would not fit.
    """

    content: Mapping[str, Tensor] | None
    content_weights: TapWeights | None
    region_weights: tuple[TapWeights | None, ...]


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Objective:
    """Targets and weights of one level; shared by all its evaluations, changed by none.

    `weights` on the device has what each of the terms counts in the total, in float64, and the
    variation as the last. `config` has the taps of all terms, and `content_config` those at which
    features of the photo are compared. `coarser` is the objective of the level before: a canvas is
    judged at half its size as well, to which `downsampling` brings it.
    """

    config: PassConfig
    content_config: PassConfig
    terms: tuple[Term, ...]
    weights: Tensor
    has_variation: bool
    content_losses: Mapping[Term, L2]
    style_losses: Mapping[Term, StyleLoss[Any, Any]]
    joint_losses: Mapping[Term, Neighbors]
    content: Tensor
    regions: tuple[Region, ...]
    layouts: Mapping[Shift, Layout]
    samplings: tuple[Sampling, ...] = ()
    coarser: Objective | None = None
    downsampling: Downsampling | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in px of the canvases it judges."""
        return self.content.shape[-2], self.content.shape[-1]

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the grid that hypercolumns lie on."""
        rows, columns = padded_shape(self.shape)
        return rows // stride_of(GRID), columns // stride_of(GRID)

    @property
    def is_matched(self) -> bool:
        """Whether it has targets that depend on the canvas, or samples that take turns."""
        return bool(self.joint_losses or self.samplings)

    @property
    def first_shift(self) -> Shift:
        """The shift in which a canvas is centered, and not turned."""
        return next(iter(self.layouts))

    def weight_of(self, term: Term) -> Tensor:
        """What a term counts in the total, a scalar."""
        return self.weights[self.terms.index(term)]

    @property
    def weight_of_variation(self) -> Tensor:
        """What the variation counts in the total, a scalar."""
        return self.weights[-1]
