"""The photo's features, and what makes the content's losses relative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import torch
from torch import Tensor

from painter.canvas.downsampling import resized
from painter.canvas.layout import Shift, pad, padded_shape, seamless_of
from painter.canvas.tiles import Tile, tiles
from painter.device.sending import sent
from painter.evaluation.levels import content_taps_of, shifts_of
from painter.evaluation.passes import features_of
from painter.losses.catalog import CONTENT_LOSSES
from painter.losses.content import L2, energy
from painter.losses.style_loss import FLOOR
from painter.losses.terms import Term, terms_of
from painter.network.condensed import ALIKE
from painter.preparation.level_inputs import LevelInputs
from painter.preparation.mask_weights import MaskWeights
from painter.preparation.pieces import Piece
from painter.preparation.shared import Shared

# A pass of so many pixels fills a GPU; a canvas beyond is seen in tiles.
_PIXELS_TOGETHER: Final = 2**20


class ContentTargets:
    """What the content's losses compare a canvas [3, H, W] with, layer by layer.

    Once all pieces are done, `content` is the photo at the canvas's size, and `losses` those of the
    terms. `config` has the taps of these alone. What was `shared` is made by nobody again.
    """

    def __init__(self, inputs: LevelInputs, shared: Shared | None = None) -> None:
        plan, shape, vgg = inputs.plan, inputs.shape, inputs.vgg
        self._plan, self._shape, self._vgg, self._shifts = plan, shape, vgg, inputs.shifts
        self._terms = [term for term in terms_of(plan.options) if term.loss in CONTENT_LOSSES]
        self.config = inputs.config.with_taps(content_taps_of(plan))
        self._is_new = shared is None
        self._alike: Mapping[Shift, Mapping[str, Tensor]] = {}
        self.content = torch.empty(0)
        if shared is None:
            mask, taps = plan.content_mask, self.config.taps
            self.weights = MaskWeights(mask, shape, taps, inputs.all_shifts, vgg.device)
        else:
            self.weights, self.content = shared.content_weights, shared.content
            self._alike = shared.features
        self._tiles = tiles(padded_shape(shape), inputs.config)
        self._features: dict[Shift, dict[str, Tensor]] = {}
        self._norms: dict[str, Tensor] = {}
        self._floors: dict[str, Tensor] = {}

    def pieces(self) -> list[Piece]:
        """The weights of the mask, then each pass."""
        whole, norms = [], []
        if len(self._tiles) == 1:
            whole = [partial(self._see, shifts) for shifts in self._together()]
        if self._terms:
            norms = [partial(self._add, tile) for tile in self._tiles]
        first = [self._resize, *self.weights.pieces()] if self._is_new else []
        return [*first, *whole, *norms]

    def features(self, shift: Shift) -> dict[str, Tensor] | None:
        """The photo's features at the taps; None where they would not fit."""
        return self._features.get(shift)

    def features_alike(self) -> dict[Shift, dict[str, Tensor]]:
        """Those of the photo that the whole network sees alike: the finest layer is half of all."""
        shifts = shifts_of(self._plan, self._vgg.condenses)
        return {
            shift: {tap: features[tap] for tap in ALIKE & self.config.taps}
            for shift, features in self._features.items()
            if shift in shifts
        }

    def losses(self) -> dict[Term, L2]:
        """The loss of each term, whose norm is a sum over the photo's tiles."""
        norms, floors = self._norms, self._floors
        return {
            term: CONTENT_LOSSES[term.loss](torch.maximum(norms[term.layer], floors[term.layer]))
            for term in self._terms
        }

    def _resize(self) -> None:
        seamless = seamless_of(self._plan.options)
        content = resized(self._plan.content, self._shape, seamless)
        self.content = sent(content, self._vgg.device)

    def _together(self) -> list[Sequence[Shift]]:
        """The shifts that share a pass: on a GPU as many as are no larger than the painting.

        So they take no more memory than its own passes.
        """
        own, whole = (
            height * width for height, width in map(padded_shape, (self._shape, self._plan.shape))
        )
        is_on_host = self._vgg.device.type == "cpu"
        count = 1 if is_on_host else max(1, min(whole, _PIXELS_TOGETHER) // own)
        firsts = range(0, len(self._shifts), count)
        return [self._shifts[first : first + count] for first in firsts]

    def _see(self, shifts: Sequence[Shift]) -> None:
        config, taps = self.config, {}
        if config.taps:
            photos = torch.stack([pad(self.content, shift) for shift in shifts])
            taps = self._vgg.trace(photos, config).taps
        for index, shift in enumerate(shifts):
            features = {tap: values[index] for tap, values in taps.items()}
            self._features[shift] = features | dict(self._alike.get(shift, {}))

    def _add(self, tile: Tile) -> None:
        shift = self._shifts[0]
        features, by_tap = self.features(shift), self.weights.at(shift)
        if features is None:
            features = features_of(self._vgg, tile.padded(self.content, shift), self.config)
        for tap, values in features.items():
            owned = tile.owned(values, tap)
            part = (
                torch.ones(owned.shape[1:], device=owned.device)
                if by_tap is None
                else tile.of_whole(by_tap[tap], tap)
            )
            usual = self._vgg.typical_energy[tap]
            floor = norm_floor(usual, len(owned), part.sum(dtype=torch.float32))
            self._norms[tap] = self._norms.get(tap, 0) + energy(owned, part)
            self._floors[tap] = self._floors.get(tap, 0) + floor


def norm_floor(energy: float, channels: int, positions: Tensor) -> Tensor:
    """The least norm of a content loss: the energy of features a tenth as large as usual."""
    return positions * (FLOOR * energy * channels)
