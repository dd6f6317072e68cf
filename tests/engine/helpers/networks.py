"""Small networks and pictures for the tests of the maths."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.network.layers import CONVOLUTION_NAMES
from painter.network.pooling import AVERAGE_POOLING_GAINS
from painter.network.vgg import VGG19
from painter.network.weights import CAFFE, CONVOLUTIONS, TORCHVISION, Checkpoint, InputConvention

MEAN = torch.tensor([123.68, 116.779, 103.939], dtype=torch.float64).view(1, 3, 1, 1) / 255


def random_checkpoint(width: int = 8, input: InputConvention = CAFFE) -> Checkpoint:
    """VGG-19 in full depth with `width` features in every layer."""
    generator = torch.Generator().manual_seed(1)
    tensors = {}
    for position, (inputs, _) in CONVOLUTIONS.items():
        channels = 3 if inputs == 3 else width
        weight = torch.randn(width, channels, 3, 3, generator=generator)
        scale = 255.0 if inputs == 3 else 1.0
        tensors[f"features.{position}.weight"] = weight * (2 / (9 * channels)) ** 0.5 / scale
        tensors[f"features.{position}.bias"] = torch.randn(width, generator=generator) / 10
    return Checkpoint(tensors, "digest", "made for tests", "none", input)


def small_vgg(dtype: torch.dtype = torch.float64) -> VGG19:
    """The network of `random_checkpoint` on the CPU."""
    return VGG19(random_checkpoint(), torch.device("cpu"), dtype)


def reference_features(
    checkpoint: Checkpoint, pixels: Tensor, pooling: str = "max"
) -> dict[str, Tensor]:
    """All 32 layers, in the plainest way there is, for autograd to go through."""
    convention = checkpoint.input
    x = pixels.flip(1) if convention.order == "bgr" else pixels
    mean = torch.tensor(convention.mean, dtype=pixels.dtype).view(1, 3, 1, 1)
    std = torch.tensor(convention.std, dtype=pixels.dtype).view(1, 3, 1, 1)
    x = (x * convention.scale - mean) / std
    features = {}
    block = "1"
    for name, position in zip(CONVOLUTION_NAMES, CONVOLUTIONS, strict=True):
        if name[4] != block:
            gain = AVERAGE_POOLING_GAINS[int(block) - 1]
            block = name[4]
            x = F.max_pool2d(x, 2) if pooling == "max" else F.avg_pool2d(x, 2) * gain
        weight = checkpoint.tensors[f"features.{position}.weight"].to(pixels.dtype)
        bias = checkpoint.tensors[f"features.{position}.bias"].to(pixels.dtype)
        x = F.conv2d(x, weight, bias, padding=1)
        features[name] = x
        x = x.relu()
        features["relu" + name[4:]] = x
    return features


def given_convolution(
    batch: int, inputs: int, outputs: int, height: int, width: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Features, and a kernel of 3 x 3 and a bias that convolve them to others as large."""
    x = noise(batch, inputs, height, width, seed=1) - 0.3
    weight = (noise(outputs, inputs, 3, 3, seed=2) - 0.5) * (6 / inputs) ** 0.5
    bias = noise(outputs, seed=3) - 0.5
    return x, weight, bias


def relatively_apart(found: Tensor, exact: Tensor) -> float:
    """The norm of the difference beside that of what is exact."""
    return float((found.double() - exact).norm() / exact.norm())


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Uniform noise in float64."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


__all__ = [
    "CAFFE",
    "MEAN",
    "TORCHVISION",
    "noise",
    "random_checkpoint",
    "reference_features",
    "small_vgg",
]
