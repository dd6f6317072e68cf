"""How a picture resembles itself from place to place: its structure, without color or texture."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

# A cosine of 0.1 less is e times less alike; the plain softmax of StyleID is nearly flat.
_SHARPNESS: Final = 10.0
_ROWS: Final = 1024


def feature_structure_distance(painting: Tensor, photo: Tensor) -> float:
    """KL divergence of the photo's self-similarity from the painting's, mean over positions.

    Features [C, H, W] of both. The content feature structural distance of Chung, Hyun and Heo 2024
    ("StyleID"), with cosines and a sharper softmax in place of scaled products.
    """
    own, wanted = (_directions(features) for features in (painting, photo))
    total = 0.0
    both = (torch.split(directions.T, _ROWS) for directions in (own, wanted))
    for mine, theirs in zip(*both, strict=True):
        log_own = torch.log_softmax(_SHARPNESS * (mine @ own), 1)
        log_wanted = torch.log_softmax(_SHARPNESS * (theirs @ wanted), 1)
        total += float((log_wanted.exp() * (log_wanted - log_own)).double().sum())
    return max(0.0, total / own.shape[1])


def _directions(features: Tensor) -> Tensor:
    flat = features.flatten(1)
    lengths = torch.linalg.vector_norm(flat, dim=0, keepdim=True)
    return torch.div(flat, lengths.clamp(min=1e-12))
