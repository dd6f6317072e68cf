"""What the objectives of a level have in common, whichever network sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from painter.canvas.layout import Shift
from painter.preparation.mask_weights import MaskWeights


@dataclass(frozen=True, slots=True)
class Shared:
    """Kept once: the photo [3, H, W] at the level's size, masks, and what both networks see alike.

    `features` are the photo's by shift and tap, at those of the shifts that were seen.
    """

    content: Tensor
    content_weights: MaskWeights
    region_weights: tuple[MaskWeights, ...]
    features: Mapping[Shift, Mapping[str, Tensor]]
