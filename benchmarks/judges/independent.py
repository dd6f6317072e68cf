"""The networks of ST-LPIPS, trained from scratch: no painter looks through them.

Ghildyal and Liu 2022, "Shift-tolerant perceptual similarity metric". The package is BSD-2-Clause,
but one of its files (`models_lpf/downsample.py`) is CC-BY-NC-SA-4.0: it is for measuring alone, is
brought into a folder of its own when it is needed, and is no part of the product.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import torch
from torch import Tensor

PACKAGE: Final = "stlpips-pytorch==0.0.2"


class Independent:
    """ST-LPIPS on AlexNet, and the features of its VGG-16; both see pixels from -1 to 1."""

    def __init__(self, folder: Path) -> None:
        made = _module(folder).LPIPS
        given = {"variant": "shift_tolerant", "verbose": False}
        self._distance = made(net="alex", **given)
        self._features = made(net="vgg", **given)

    @torch.no_grad()
    def distance(self, painting: Tensor, photo: Tensor) -> float:
        """ST-LPIPS of two pictures [3, H, W] from 0 to 1."""
        return float(self._distance(painting[None], photo[None], normalize=True))

    @torch.no_grad()
    def rows(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """The features of a picture [3, H, W] at relu3_3 and relu4_3: rows [N, C] of positions."""
        network = self._features
        found = network.net(network.scaling_layer(2 * picture[None] - 1))
        return _rows(found.relu3_3), _rows(found.relu4_3)


def _rows(features: Tensor) -> Tensor:
    return features[0].flatten(1).T.contiguous()


def _module(folder: Path) -> Any:
    if not (folder / "stlpips_pytorch").is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*command, "--target", str(folder), PACKAGE], check=True)  # noqa: S603
    # What it imports and never uses here.
    for name, attribute in (("IPython", "embed"), ("torchsummary", "summary")):
        if name not in sys.modules:
            empty = ModuleType(name)
            setattr(empty, attribute, None)
            sys.modules[name] = empty
    sys.path.insert(0, str(folder))
    return import_module("stlpips_pytorch.stlpips")
