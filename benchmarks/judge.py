"""How good a finished painting is: errors beside its photo and its style, in plain code.

Nothing here is shared with the painter's losses. The network runs in float32 with zero
padding and torch's own convolution, the statistics in float64. Of the painter only the reader
of the checkpoint is used.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from painter.network.weights import Checkpoint

# The places of the convolutions that are looked at, within VGG-19's `features`.
STYLE_CONVOLUTIONS: Final = {
    "conv1_1": 0,
    "conv2_1": 5,
    "conv3_1": 10,
    "conv4_1": 19,
    "conv5_1": 28,
}
CONTENT_CONVOLUTION: Final = "conv4_1"
_POOLS: Final = (4, 9, 18, 27)


@dataclass(frozen=True)
class Errors:
    """Dimensionless, 0 for none: squared distances over the squared norm of the target.

    `content` is at conv4_1, the other two are means over conv1_1 to conv5_1.
    """

    content: float
    gram: float
    wasserstein: float

    def as_good_as(self, other: Errors) -> bool:
        """Whether no error is larger than the other's."""
        return (
            self.content <= other.content
            and self.gram <= other.gram
            and self.wasserstein <= other.wasserstein
        )

    def __str__(self) -> str:
        return f"{self.content:.3f} / {self.gram:.4f} / {self.wasserstein:.4f}"


@dataclass(frozen=True)
class _Statistics:
    gram: Tensor
    mean: Tensor
    covariance: Tensor


class Judge:
    """Judges paintings of one photo in one style, all of them encoded; sizes stay as they are."""

    def __init__(self, checkpoint: Checkpoint, content: bytes, style: bytes) -> None:
        self._checkpoint = checkpoint
        self._content = self.features(content)[CONTENT_CONVOLUTION].double()
        self._style = {name: _statistics(kept) for name, kept in self.features(style).items()}
        self._roots = {name: _root(kept.covariance) for name, kept in self._style.items()}

    def errors(self, painting: bytes) -> Errors:
        """The errors of a finished painting, which has the photo's width and height."""
        features = self.features(painting)
        distance = (features[CONTENT_CONVOLUTION].double() - self._content).square().sum()
        grams, wassersteins = [], []
        for name, kept in features.items():
            own, target = _statistics(kept), self._style[name]
            gram = (own.gram - target.gram).square().sum() / target.gram.square().sum()
            grams.append(float(gram))
            wassersteins.append(self._wasserstein(name, own))
        return Errors(
            float(distance / self._content.square().sum()),
            sum(grams) / len(grams),
            sum(wassersteins) / len(wassersteins),
        )

    def _wasserstein(self, name: str, own: _Statistics) -> float:
        """The squared Wasserstein-2 distance of the two Gaussians over the style's energy."""
        target, root = self._style[name], self._roots[name]
        cross = torch.linalg.eigvalsh(root @ own.covariance @ root).clamp_min(0).sqrt().sum()
        means = (own.mean - target.mean).square().sum()
        spreads = own.covariance.trace() + target.covariance.trace() - 2 * cross
        return max(0.0, float((means + spreads) / target.gram.trace()))

    @torch.no_grad()
    def features(self, picture: bytes) -> dict[str, Tensor]:
        """Those of a file before the ReLU, [C, h, w] by convolution."""
        x = self._as_input(picture)
        found: dict[str, Tensor] = {}
        names = {place: name for name, place in STYLE_CONVOLUTIONS.items()}
        for place in range(max(names) + 1):
            weight = self._checkpoint.tensors.get(f"features.{place}.weight")
            if weight is not None:
                bias = self._checkpoint.tensors[f"features.{place}.bias"]
                x = F.conv2d(x, weight, bias, padding=1)
                if place in names:
                    found[names[place]] = x[0]
            else:
                x = F.max_pool2d(x, 2) if place in _POOLS else x.relu()
        return found

    def _as_input(self, picture: bytes) -> Tensor:
        with Image.open(io.BytesIO(picture)) as image:
            rgb = image.convert("RGB")
        values = torch.frombuffer(bytearray(rgb.tobytes()), dtype=torch.uint8)
        pixels = values.view(rgb.height, rgb.width, 3).permute(2, 0, 1).float() / 255
        convention = self._checkpoint.input
        if convention.order == "bgr":
            pixels = pixels.flip(0)
        mean = torch.tensor(convention.mean).view(3, 1, 1)
        std = torch.tensor(convention.std).view(3, 1, 1)
        return ((pixels * convention.scale - mean) / std)[None]


def geometric_mean(values: list[float]) -> float:
    """The mean that suits ratios; of one value at least."""
    return math.exp(sum(map(math.log, values)) / len(values))


def _statistics(features: Tensor) -> _Statistics:
    flat = features.flatten(1).double()
    gram = flat @ flat.T / flat.shape[1]
    mean = flat.mean(1)
    return _Statistics(gram, mean, gram - torch.outer(mean, mean))


def _root(covariance: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    return root
