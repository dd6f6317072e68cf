"""VGG-19 (Simonyan & Zisserman 2015) as a frozen feature extractor with named taps.

Only the gradient with respect to the pixels is ever needed, so the backward pass is written
out: no weight gradients, no graph, and for each layer no more kept than its ReLU needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from painter.device.compute import wait_for_all_streams
from painter.network.condensed import (
    DEEPEST,
    Subspace,
    condense,
    from_tensors,
    responses_of,
    subspaces_of,
)
from painter.network.convolutions import Convolution, at_tap, fastest_convolution
from painter.network.folding import folded, mean_of
from painter.network.fused import PASSED_AND_ADDED, through_relu
from painter.network.layers import (
    CONVOLUTION_NAMES,
    LAYER_NAMES,
    depth_of,
)
from painter.network.pass_config import PassConfig, Trace
from painter.network.pooling import pool, unpool
from painter.network.usual_pictures import usual_pictures
from painter.network.weights import Checkpoint


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
        self._mean = mean_of(checkpoint.input).to(device)
        self._weights = folded(checkpoint)
        self._convolutions: dict[torch.dtype, list[Convolution]] = {}
        self._condensed: dict[torch.dtype, list[Convolution]] = {}
        channels = {name: len(bias) for name, (_, bias) in self._named_weights()}
        self._subspaces = from_tensors(checkpoint.subspaces, channels)
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

    def condensed(self, dtype: torch.dtype) -> list[Convolution]:
        """Cheaper ones up to conv5_1, made at first use."""
        if dtype not in self._condensed:
            if self._subspaces is None:
                self._subspaces = self.subspaces(torch.promote_types(dtype, torch.float32))
            whole = self.convolutions(dtype, depth_of(DEEPEST))
            parts = (self._weights, self._subspaces)
            self._condensed[dtype] = condense(whole, *parts, dtype, self.device)
            wait_for_all_streams(self.device)
        return self._condensed[dtype]

    def subspaces(self, dtype: torch.dtype) -> dict[str, Subspace]:
        """Near which the layers' responses to usual pictures lie, seen in a type.

        It takes a second or more, so a checkpoint may bring them.
        """
        is_new = dtype not in self._convolutions
        taps = frozenset(CONVOLUTION_NAMES[: depth_of(DEEPEST)])
        config = PassConfig(taps, "max", dtype)
        seen = (self.trace(each[None].to(self.device), config) for each in usual_pictures())
        responses = responses_of(trace.taps for trace in seen)
        if is_new:
            del self._convolutions[dtype]
        return subspaces_of(responses)

    @property
    def condenses(self) -> bool:
        """Whether the condensed network is known to be faster: where it was measured, the CPU."""
        return self.device.type == "cpu"

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
                trace.pools.append(pool(x, name, config.pooling))
                x = trace.pools[-1].output
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
                gradient = unpool(gradient, name, trace.pools.pop())
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

    def _named_weights(self) -> Iterator[tuple[str, tuple[Tensor, Tensor]]]:
        return zip(CONVOLUTION_NAMES, self._weights, strict=False)

    def _until(self, config: PassConfig) -> Iterator[tuple[str, Convolution]]:
        convolutions = self.convolutions(config.dtype, config.depth)
        if config.is_condensed:
            cheaper = self.condensed(config.dtype)[: config.depth]
            convolutions[: len(cheaper)] = cheaper
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
        sign, y = at_tap(convolution, x, config.dtype)
        trace.taps[name] = sign
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
    at_tap = at_taps.get(name)
    if gradient is not None and sign is not None and at_tap is not None:
        both: Tensor = PASSED_AND_ADDED(gradient, sign, at_tap)
        return both
    if gradient is not None and sign is not None:
        gradient = through_relu(gradient, sign)
    total = _sum(gradient, at_tap)
    assert total is not None  # the deepest layer is a tap
    return total


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    if one is None or other is None:
        return one if other is None else other
    return one.add_(other)
