"""All judges of one photo and one style."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Final, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from judge import Judge
from judges.colors import hellinger, histogram
from judges.nearest import centered_cosine, root_mean_square
from judges.patches import patches, sliced_wasserstein
from judges.structure import feature_structure_distance
from painter.network.weights import Checkpoint

PATCHES: Final = (3, 7, 15)
LAYERS: Final = ("relu3_3", "relu4_3")
STRUCTURE: Final = "conv3_1"

CONTENT: Final[Mapping[str, str]] = {
    "st-lpips": "ST-LPIPS to the photo",
    "cfsd": "self-similarity at relu3_1 (CFSD)",
    "conv4_1": "features at conv4_1",
}
STYLE: Final[Mapping[str, str]] = {
    **{f"nearest {layer}": f"neighborhoods at {layer}, to the style's" for layer in LAYERS},
    **{f"missed {layer}": f"neighborhoods at {layer}, of the style" for layer in LAYERS},
    **{f"patches {side}": f"raw patches of {side} px, to the style's" for side in PATCHES},
    **{f"missed patches {side}": f"raw patches of {side} px, of the style" for side in PATCHES},
    **{f"sliced {side}": f"sliced Wasserstein, patches of {side} px" for side in PATCHES},
    "rgb-uv": "RGB-uv histograms",
    "gram": "Gram matrices of VGG-19",
    "wasserstein": "Wasserstein-2 of VGG-19",
}
"""Every judge by its name, and what it looks at."""


class Networks(Protocol):
    """What `independent.Independent` is."""

    def distance(self, painting: Tensor, photo: Tensor) -> float:
        """Of two pictures [3, H, W]."""

    def rows(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Of a picture, at each of `LAYERS`."""


class Panel:
    """Judges paintings of a photo in a style; all of them are files, the style of any size."""

    def __init__(
        self, checkpoint: Checkpoint, networks: Networks, photo: bytes, style: bytes
    ) -> None:
        self._vgg = Judge(checkpoint, photo, style)
        self._networks = networks
        self._photo, self._style = pixels_of(photo), pixels_of(style)
        self._structure = self._vgg.features(photo)[STRUCTURE].relu()
        self._rows = networks.rows(self._style)
        self._colors = histogram(self._style)
        self._patches = {side: patches(self._style, side) for side in PATCHES}

    def judge(self, painting: bytes) -> dict[str, float]:
        """What each judge of `CONTENT` and `STYLE` says."""
        pixels = pixels_of(painting)
        errors = self._vgg.errors(painting)
        structure = self._vgg.features(painting)[STRUCTURE].relu()
        return {
            "st-lpips": self._networks.distance(pixels, self._photo),
            "cfsd": feature_structure_distance(structure, self._structure),
            "conv4_1": errors.content,
            **self._neighborhoods(pixels),
            **self._raw(pixels),
            "rgb-uv": hellinger(histogram(pixels), self._colors),
            "gram": errors.gram,
            "wasserstein": errors.wasserstein,
        }

    def _neighborhoods(self, pixels: Tensor) -> dict[str, float]:
        found = {}
        layers = zip(LAYERS, self._networks.rows(pixels), self._rows, strict=True)
        for layer, own, wanted in layers:
            found[f"nearest {layer}"], found[f"missed {layer}"] = centered_cosine(own, wanted)
        return found

    def _raw(self, pixels: Tensor) -> dict[str, float]:
        found = {}
        for side, wanted in self._patches.items():
            own = patches(pixels, side)
            near, missed = root_mean_square(own, wanted)
            found[f"patches {side}"], found[f"missed patches {side}"] = near, missed
            found[f"sliced {side}"] = sliced_wasserstein(own, wanted)
        return found


def pixels_of(picture: bytes) -> Tensor:
    """A file as [3, H, W] from 0 to 1."""
    with Image.open(io.BytesIO(picture)) as image:
        samples = np.asarray(image.convert("RGB"))
    return torch.from_numpy(samples.copy()).permute(2, 0, 1).float() / 255
