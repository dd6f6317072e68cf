"""A checkpoint's input convention, folded into its first convolution."""

from __future__ import annotations

import torch
from torch import Tensor

from painter.network.weights import Checkpoint, InputConvention


def mean_of(convention: InputConvention) -> Tensor:
    """What is subtracted from RGB pixels [B, 3, H, W] from 0 to 1, in float64."""
    mean = torch.tensor(convention.mean, dtype=torch.float64) / convention.scale
    mean = mean.flip(0) if convention.order == "bgr" else mean
    return mean.view(1, 3, 1, 1)


def folded(checkpoint: Checkpoint) -> list[tuple[Tensor, Tensor]]:
    """Weights and biases in order, conv1_1 fit for RGB pixels from 0 to 1 minus the mean."""
    names = sorted(
        (name for name in checkpoint.tensors if name.endswith(".weight")),
        key=lambda name: int(name.split(".")[1]),
    )
    pairs = [
        (checkpoint.tensors[name], checkpoint.tensors[name.replace("weight", "bias")])
        for name in names
    ]
    weight, bias = pairs[0][0].double(), pairs[0][1]
    convention = checkpoint.input
    std = torch.tensor(convention.std, dtype=weight.dtype).view(1, 3, 1, 1)
    weight = weight * convention.scale / std
    weight = weight.flip(1) if convention.order == "bgr" else weight
    return [(weight, bias), *pairs[1:]]
