"""VGG-19 (Simonyan & Zisserman 2015) as a frozen feature extractor with named taps.

Only the gradient with respect to the pixels is ever needed, so the backward pass is written
out: no weight gradients, no graph, and for each layer no more kept than its ReLU needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.device.compute import wait_for_all_streams
from painter.network.convolutions import Convolution, fastest_convolution
from painter.network.layers import (
    CONVOLUTION_NAMES,
    CONVOLUTIONS_PER_BLOCK,
    LAYER_NAMES,
    depth_of,
)
from painter.network.weights import Checkpoint, InputConvention

# Max pooling keeps the largest of four; the mean of four is smaller, and the later layers'
# weights expect the former. The gains are the ratio of the two (root mean squares over nine
# photographs of 512 px, original weights) behind blocks 1 to 4.
AVERAGE_POOLING_GAINS: Final = (1.15, 1.57, 1.37, 1.88)

_POOLS_AFTER: Final = {
    f"conv{block}_{count}" for block, count in enumerate(CONVOLUTIONS_PER_BLOCK, start=1)
}


@dataclass(frozen=True, slots=True)
class Pooling:
    """One pooling: the shape of what came in, what went out, and where its maxima were.

    `indices` is None for average pooling.
    """

    shape: torch.Size
    output: Tensor
    indices: Tensor | None


@dataclass(slots=True)
class Trace:
    """One forward pass: the features at the taps, and what the backward pass needs.

    `signs` has, for each ReLU, something that is positive where it let its input through; or
    None where only maxima went on, whose signs the pooling knows.
    """

    taps: dict[str, Tensor] = field(default_factory=dict)
    signs: list[Tensor | None] = field(default_factory=list)
    pools: list[Pooling] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PassConfig:
    """How a pass is run; canvases that agree in it may share one."""

    taps: frozenset[str]
    pooling: str
    dtype: torch.dtype

    @property
    def depth(self) -> int:
        """How many convolutions run: the network is cut at the deepest tap."""
        return max(map(depth_of, self.taps))

    def with_taps(self, taps: Iterable[str]) -> PassConfig:
        """The same with other taps."""
        return replace(self, taps=frozenset(taps))

    def pools_after(self, name: str) -> bool:
        """Whether a pooling follows a convolution within this pass."""
        return name in _POOLS_AFTER and depth_of(name) < self.depth


class VGG19:
    """The sixteen convolutions of VGG-19 with zero padding, cut at the deepest tap.

    Pixels go in as [B, 3, H, W] in sRGB from 0 to 1. Of the input convention only scale and
    channel order are folded into conv1_1; the mean is subtracted from the pixels, since zero
    padding would otherwise stand for another color than it did in training, and paint a frame.
    """

    def __init__(self, checkpoint: Checkpoint, device: torch.device, trunk: torch.dtype) -> None:
        self.device = device
        self.trunk = trunk
        self.digest = checkpoint.digest
        self._mean = _mean(checkpoint.input).to(device)
        self._weights = _folded(checkpoint)
        self._convolutions: dict[torch.dtype, list[Convolution]] = {}
        self.typical_energy = self._typical_energy()

    def convolutions(self, dtype: torch.dtype, depth: int) -> list[Convolution]:
        """The first convolutions in one type, made at first use; conv1_1 sees float32 pixels."""
        made = self._convolutions.setdefault(dtype, [])
        for weight, bias in self._weights[len(made) : depth]:
            kind = dtype if made else _first_type(dtype)
            made.append(
                fastest_convolution(weight.to(self.device), bias.to(self.device), kind, dtype)
            )
            wait_for_all_streams(self.device)
        return made[:depth]

    def channels_of(self, tap: str) -> int:
        """How many features a layer has."""
        return len(self._weights[depth_of(tap) - 1][1])

    @torch.no_grad()
    def trace(self, pixels: Tensor, config: PassConfig) -> Trace:
        """Runs pixels [B, 3, H, W] forward and keeps what the taps and `gradient` need."""
        trace = Trace()
        pixels = pixels.to(_first_type(config.dtype))
        x = (pixels - self._mean.to(pixels.dtype)).contiguous(memory_format=torch.channels_last)
        for name, convolution in self._until(config):
            x = _advance(x, name, convolution, config, trace)
            if config.pools_after(name):
                x = _pool(x, name, config, trace)
        return trace

    @torch.no_grad()
    def gradient(self, trace: Trace, config: PassConfig, at_taps: Mapping[str, Tensor]) -> Tensor:
        """Pulls gradients at the taps back to the pixels, in float32 at least.

        Uses up the trace and the gradients at the taps.
        """
        gradient: Tensor | None = None
        for name, convolution in reversed(list(self._until(config))):
            if config.pools_after(name):
                assert gradient is not None
                gradient = _unpool(gradient, name, trace.pools.pop())
            gradient = _retreat(gradient, name, trace.signs.pop(), at_taps)
            gradient = convolution.input_gradient(gradient)
        assert gradient is not None
        return gradient.to(_first_type(config.dtype))

    def _typical_energy(self) -> dict[str, float]:
        """The mean square of each layer's features on noise; what the losses' floors rest on."""
        noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
        config = PassConfig(frozenset(LAYER_NAMES), "max", self.trunk)
        trace = self.trace(noise.to(self.device), config)
        # Few paintings look deeper, and these layers are the largest.
        del self._convolutions[self.trunk][depth_of("conv5_1") :]
        return {tap: float(values.float().square().mean()) for tap, values in trace.taps.items()}

    def _until(self, config: PassConfig) -> Iterator[tuple[str, Convolution]]:
        convolutions = self.convolutions(config.dtype, config.depth)
        return zip(CONVOLUTION_NAMES, convolutions, strict=False)


def _first_type(dtype: torch.dtype) -> torch.dtype:
    """The type of the pixels and of conv1_1: colors have more than bfloat16's eight bits."""
    return torch.promote_types(dtype, torch.float32)


def _advance(
    x: Tensor, name: str, convolution: Convolution, config: PassConfig, trace: Trace
) -> Tensor:
    rectified = "relu" + name[4:]
    if name not in config.taps:
        y = convolution(x, relu=True).to(config.dtype)
        sign = y
    else:
        sign = convolution(x, relu=False).to(config.dtype)
        trace.taps[name] = sign
        y = sign.relu()
    if rectified in config.taps:
        trace.taps[rectified] = y
    is_pooled = config.pools_after(name) and config.pooling == "max"
    only_maxima = is_pooled and rectified not in config.taps
    trace.signs.append(None if only_maxima else sign)
    return y


def _retreat(
    gradient: Tensor | None, name: str, sign: Tensor | None, at_taps: Mapping[str, Tensor]
) -> Tensor:
    gradient = _sum(gradient, at_taps.get("relu" + name[4:]))
    if gradient is not None and sign is not None:
        gradient = _through_relu(gradient, sign)
    total = _sum(gradient, at_taps.get(name))
    assert total is not None  # the deepest layer is a tap
    return total


def _through_relu(gradient: Tensor, sign: Tensor) -> Tensor:
    """In place: a new tensor costs as much as the work on it."""
    passed: Tensor = torch.ops.aten.threshold_backward.grad_input(
        gradient, sign, 0, grad_input=gradient
    )
    return passed


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    if one is None or other is None:
        return one if other is None else other
    return one.add_(other)


def _gain(name: str) -> float:
    return AVERAGE_POOLING_GAINS[int(name[4]) - 1]


def _pool(x: Tensor, name: str, config: PassConfig, trace: Trace) -> Tensor:
    if config.pooling == "average":
        y, indices = F.avg_pool2d(x, 2) * _gain(name), None
    else:
        pooled, indices = F.max_pool2d(_bands(x), 2, return_indices=True)
        y = _whole(pooled, len(x))
    trace.pools.append(Pooling(x.shape, y, indices))
    return y


def _unpool(gradient: Tensor, name: str, pooling: Pooling) -> Tensor:
    whole = torch.empty(
        pooling.shape,
        dtype=gradient.dtype,
        device=gradient.device,
        memory_format=torch.channels_last,
    )
    if pooling.indices is None:
        averaged: Tensor = torch.ops.aten.avg_pool2d_backward(
            gradient * _gain(name), whole, [2, 2], [2, 2], [0, 0], False, True, None
        )
        return averaged
    # A maximum that is 0 came through no ReLU, and one that is positive through its own.
    gradient = _through_relu(gradient, pooling.output)
    whole[:, :, 2 * gradient.shape[2] :].zero_()
    bands = _bands(whole)
    torch.ops.aten.max_pool2d_with_indices_backward.grad_input(
        _bands(gradient, 1),
        bands,
        *([2, 2], [2, 2], [0, 0], [1, 1], False),
        pooling.indices,
        grad_input=bands,
    )
    return whole


def _bands(x: Tensor, height: int = 2) -> Tensor:
    """A single [1, C, H, W] as a batch of its bands [H / height, C, height, W], a view.

    PyTorch pools in threads over a batch alone, on the CPU. A row that does not fill a band is left
    out, as pooling would.
    """
    if len(x) > 1 or x.is_cuda:
        return x
    rows = x.permute(0, 2, 3, 1)[0]
    count = len(rows) // height
    return rows[: count * height].reshape(count, height, *rows.shape[1:]).permute(0, 3, 1, 2)


def _whole(bands: Tensor, count: int) -> Tensor:
    """Bands of one row each, put together again; what is none is left as it is."""
    if count > 1 or bands.is_cuda:
        return bands
    return bands.permute(0, 2, 3, 1).flatten(0, 1)[None].permute(0, 3, 1, 2)


def _mean(convention: InputConvention) -> Tensor:
    mean = torch.tensor(convention.mean, dtype=torch.float64) / convention.scale
    mean = mean.flip(0) if convention.order == "bgr" else mean
    return mean.view(1, 3, 1, 1)


def _folded(checkpoint: Checkpoint) -> list[tuple[Tensor, Tensor]]:
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
