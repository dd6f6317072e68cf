"""The photo's features, and what makes the content's losses relative."""

from __future__ import annotations

from collections.abc import Generator, Mapping

import torch
from torch import Tensor

from painter.canvas.layout import Shift, pad, padded_shape
from painter.canvas.tiles import tiles
from painter.evaluation.objective import Layout
from painter.evaluation.passes import features_of
from painter.losses.content import L2, energy
from painter.losses.style_loss import FLOOR
from painter.losses.terms import Term
from painter.network.vgg import VGG19, PassConfig


def content_features(
    vgg: VGG19, config: PassConfig, content: Tensor, shift: Shift
) -> dict[str, Tensor]:
    """The photo's features at the taps of a pass; none where it has no taps."""
    return features_of(vgg, pad(content, shift), config) if config.taps else {}


def content_losses(
    vgg: VGG19,
    config: PassConfig,
    content: Tensor,
    layouts: Mapping[Shift, Layout],
    terms: list[Term],
    cut: PassConfig,
) -> Generator[None, None, dict[Term, L2]]:
    """The losses of the content's terms, whose norms are sums over the photo's tiles.

    `config` has the taps of the terms, and `cut` those that tiles are cut for.
    """
    norms: dict[str, Tensor] = {}
    floors: dict[str, Tensor] = {}
    if not terms:
        return {}
    shift, layout = next(iter(layouts.items()))
    for tile in tiles(padded_shape((content.shape[-2], content.shape[-1])), cut):
        features = layout.content
        if features is None:
            features = features_of(vgg, tile.padded(content, shift), config)
        for tap, values in features.items():
            owned = tile.owned(values, tap)
            weights = layout.content_weights
            part = (
                torch.ones(owned.shape[1:], device=owned.device)
                if weights is None
                else tile.of_whole(weights[tap], tap)
            )
            floor = norm_floor(vgg.typical_energy[tap], len(owned), part.sum(dtype=torch.float32))
            norms[tap] = norms.get(tap, 0) + energy(owned, part)
            floors[tap] = floors.get(tap, 0) + floor
        yield
    return {term: L2(torch.maximum(norms[term.layer], floors[term.layer])) for term in terms}


def norm_floor(energy: float, channels: int, positions: Tensor) -> Tensor:
    """The least norm of a content loss: the energy of features a tenth as large as usual."""
    return positions * (FLOOR * energy * channels)
