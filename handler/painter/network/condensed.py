"""A cheaper network that sees almost what VGG-19 sees, for the first steps of a level.

What a convolution of VGG-19 responds with lies near a subspace of a quarter to half as many
dimensions. So its products are made for these alone, and a matrix brings them to all channels.
Zhang, Zou, He and Sun 2015, "Accelerating Very Deep Convolutional Networks for Classification and
Detection", equations 2 to 6: the principal subspace of the responses before the ReLU.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.network.convolutions import Convolution, fastest_convolution
from painter.network.layers import CONVOLUTION_NAMES

# How many dimensions a layer's subspace has for one of its channels: as few as it bears. conv1_1
# has little to save, and what lies behind conv5_1 is seldom looked at. With three eighths
# of conv4_4, oneDNN takes 20 ms in bfloat16 on two threads for fewer than 200 positions; with a bit
# more, 0.2.
SHARES: Final[Mapping[str, float]] = {
    "conv1_2": 1 / 2,
    "conv2_1": 1 / 2,
    "conv2_2": 3 / 4,
    "conv3_1": 3 / 8,
    "conv3_2": 3 / 8,
    "conv3_3": 1 / 4,
    "conv3_4": 1 / 4,
    "conv4_1": 1 / 4,
    "conv4_2": 1 / 4,
    "conv4_3": 1 / 4,
    "conv4_4": 7 / 16,
    "conv5_1": 1 / 2,
}
DEEPEST: Final = list(SHARES)[-1]
# The layers before the first of these are those of the whole network.
ALIKE: Final = frozenset({"conv1_1", "relu1_1"})


@dataclass(frozen=True, slots=True)
class Subspace:
    """Where a layer's responses lie: near a mean [C], along the columns of a basis [C, rank]."""

    mean: Tensor
    basis: Tensor


@dataclass(frozen=True, slots=True)
class Responses:
    """What a layer responds with: the mean [C] and the covariance [C, C], in float64."""

    mean: Tensor
    covariance: Tensor


def responses_of(pictures: Iterable[Mapping[str, Tensor]]) -> dict[str, Responses]:
    """From features [1, C, h, w] before the ReLU by layer; all positions count alike."""
    counts: dict[str, int] = {}
    sums: dict[str, Tensor] = {}
    squares: dict[str, Tensor] = {}
    for layers in pictures:
        for name, features in layers.items():
            values = features[0].flatten(1).float()
            counts[name] = counts.get(name, 0) + values.shape[1]
            sums[name] = sums.get(name, 0) + values.sum(1).double()
            squares[name] = squares.get(name, 0) + (values @ values.T).double()
    means = {name: sums[name] / counts[name] for name in counts}
    return {
        name: Responses(mean, squares[name] / counts[name] - torch.outer(mean, mean))
        for name, mean in means.items()
    }


def subspaces_of(responses: Mapping[str, Responses]) -> dict[str, Subspace]:
    """The principal subspaces of all layers that have one, in float64."""
    found = {}
    for name in SHARES:
        _, vectors = torch.linalg.eigh(responses[name].covariance)
        found[name] = Subspace(responses[name].mean, vectors[:, -_rank(name, len(vectors)) :])
    return found


def as_tensors(subspaces: Mapping[str, Subspace]) -> dict[str, Tensor]:
    """All of them as tensors in float32, by names, to be kept with a network's weights."""
    return {
        f"{layer}.{kind}": tensor.float().contiguous()
        for layer, subspace in subspaces.items()
        for kind, tensor in (("mean", subspace.mean), ("basis", subspace.basis))
    }


def from_tensors(
    tensors: Mapping[str, Tensor], channels: Mapping[str, int]
) -> dict[str, Subspace] | None:
    """What `as_tensors` made; None where they are not those of these shares and channels."""
    found = {}
    for name in SHARES:
        mean, basis = (tensors.get(f"{name}.{kind}") for kind in ("mean", "basis"))
        count = channels[name]
        if mean is None or basis is None or mean.shape != (count,):
            return None
        if basis.shape != (count, _rank(name, count)):
            return None
        found[name] = Subspace(mean.double(), basis.double())
    return found


def _rank(layer: str, channels: int) -> int:
    return math.ceil(channels * SHARES[layer])


def condense(
    whole: Sequence[Convolution],
    weights: Sequence[tuple[Tensor, Tensor]],
    subspaces: Mapping[str, Subspace],
    dtype: torch.dtype,
    device: torch.device,
) -> list[Convolution]:
    """The convolutions `whole` of kernels and biases `weights`, each within its subspace."""
    cheaper = list(whole)
    for index, name in enumerate(CONVOLUTION_NAMES[: len(whole)]):
        if name in SHARES:
            weight, bias = (tensor.to(device) for tensor in weights[index])
            cheaper[index] = _condensed(weight, bias, subspaces[name], dtype)
    return cheaper


def _condensed(weight: Tensor, bias: Tensor, subspace: Subspace, dtype: torch.dtype) -> Convolution:
    # y = W x + b lies near its mean m, and what it differs by near the basis V:
    # V Vᵀ (W x + b - m) + m.
    mean, basis = (tensor.to(weight.device) for tensor in (subspace.mean, subspace.basis))
    inner = torch.einsum("or,oikl->rikl", basis, weight.double())
    moved = mean + basis @ (basis.T @ (bias.double() - mean))
    # In this order `Unfolded` takes it without a copy.
    kernel = inner.to(weight.dtype, memory_format=torch.channels_last)
    return Condensed(kernel, basis.to(weight.dtype), moved.to(bias.dtype), dtype)


class Condensed:
    """A 3 x 3 convolution to few channels, and a matrix [outputs, channels] behind it."""

    def __init__(self, inner: Tensor, basis: Tensor, bias: Tensor, dtype: torch.dtype) -> None:
        nothing = torch.zeros(len(inner), dtype=bias.dtype, device=bias.device)
        self._inner = fastest_convolution(inner, nothing, dtype, dtype)
        self._to_all = Matrix(basis.to(dtype), bias.to(dtype))
        self._to_few = Matrix(basis.T.to(dtype), None)

    def __call__(self, x: Tensor, relu: bool) -> Tensor:
        return self._to_all(self._inner(x, relu=False), relu)

    def input_gradient(self, gradient: Tensor) -> Tensor:
        return self._inner.input_gradient(self._to_few(gradient, relu=False))


class Matrix:
    """A product with the channels of each position, packed for oneDNN where that can be."""

    def __init__(self, matrix: Tensor, bias: Tensor | None) -> None:
        self._is_packed = matrix.device.type == "cpu" and matrix.dtype != torch.float64
        self._bias = bias
        self._matrix = matrix.contiguous()
        if self._is_packed:
            self._matrix = torch.ops.mkldnn._reorder_linear_weight(self._matrix, None)

    def __call__(self, x: Tensor, relu: bool) -> Tensor:
        """Of features [B, C, H, W] whose channels lie last; they do so in what comes out."""
        rows = x.permute(0, 2, 3, 1)
        if not self._is_packed:
            y = F.linear(rows, self._matrix, self._bias)
            return (y.relu_() if relu else y).permute(0, 3, 1, 2)
        flat, activation = rows.reshape(-1, x.shape[1]), "relu" if relu else "none"
        product: Tensor = torch.ops.mkldnn._linear_pointwise(
            flat, self._matrix, self._bias, activation, [], ""
        )
        return product.view(*rows.shape[:3], -1).permute(0, 3, 1, 2)
