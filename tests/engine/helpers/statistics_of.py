"""Statistics of features in the plainest way there is, for autograd to go through."""

from __future__ import annotations

import torch


def means_of(features, weights=None):
    """Mean [C] and Gram matrix [C, C] of features [C, h, w], written down once more."""
    rows = features.flatten(1)
    shares = torch.ones(rows.shape[1], dtype=rows.dtype) if weights is None else weights.flatten()
    shares = shares / shares.sum()
    return (rows * shares).sum(1), (rows * shares) @ rows.T
