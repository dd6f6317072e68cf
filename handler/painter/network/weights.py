"""What a checkpoint is: VGG-19's convolutions in one safetensors file that tells its origin."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

# Position of every convolution in torchvision's `vgg19().features`, with its channels.
CONVOLUTIONS: dict[int, tuple[int, int]] = {
    0: (3, 64),
    2: (64, 64),
    5: (64, 128),
    7: (128, 128),
    10: (128, 256),
    12: (256, 256),
    14: (256, 256),
    16: (256, 256),
    19: (256, 512),
    21: (512, 512),
    23: (512, 512),
    25: (512, 512),
    28: (512, 512),
    30: (512, 512),
    32: (512, 512),
    34: (512, 512),
}


# What a file has beside the convolutions: how its names begin, and what verifies it.
_SUBSPACES = "subspaces."
_SUBSPACES_DIGEST = "subspaces_sha256"


class WeightsError(Exception):
    """Weights that cannot be used; the message is one sentence for the person who asked."""


@dataclass(frozen=True)
class InputConvention:
    """How the network wants its pixels.

    An sRGB picture in 0..1 is put into `order`, multiplied by `scale`, then each channel has
    its `mean` taken off and is divided by its `std`; both are given in that order.
    """

    order: Literal["bgr", "rgb"]
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


CAFFE = InputConvention("bgr", 255.0, (103.939, 116.779, 123.68), (1.0, 1.0, 1.0))
TORCHVISION = InputConvention("rgb", 1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True)
class Checkpoint:
    """VGG-19's convolutions (float32, `features.N.weight` and `.bias`) and where they are from.

    `digest` is the sha256 of the tensors alone, in hexadecimal. `subspaces` are those of the
    condensed network, which makes them where a file has none.
    """

    tensors: dict[str, Tensor]
    digest: str
    source: str
    license: str
    input: InputConvention
    subspaces: dict[str, Tensor] = field(default_factory=dict)


def expected_shapes() -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a checkpoint."""
    shapes: dict[str, tuple[int, ...]] = {}
    for position, (inputs, outputs) in CONVOLUTIONS.items():
        shapes[f"features.{position}.weight"] = (outputs, inputs, 3, 3)
        shapes[f"features.{position}.bias"] = (outputs,)
    return shapes


def select_convolutions(state: Mapping[str, Any], origin: str) -> dict[str, Tensor]:
    """The convolutions of a torchvision-layout state dict in float32; other keys are left out.

    Raises WeightsError, naming `origin`, for a missing tensor, another shape, or values that
    are not finite numbers.
    """
    selected: dict[str, Tensor] = {}
    for name, shape in expected_shapes().items():
        tensor = state.get(name)
        if not isinstance(tensor, Tensor):
            raise WeightsError(f"{origin} has no tensor {name}, so it is not a VGG-19.")
        if tuple(tensor.shape) != shape:
            found = list(tensor.shape)
            raise WeightsError(f"{origin}: {name} must have the shape {list(shape)}, not {found}.")
        if not tensor.is_floating_point() or not bool(torch.isfinite(tensor).all()):
            raise WeightsError(f"{origin}: {name} must hold finite floating-point numbers.")
        selected[name] = tensor.detach().to(torch.float32).contiguous()
    return selected


def digest_tensors(tensors: Mapping[str, Tensor]) -> str:
    """The sha256 of the tensors' names, shapes and little-endian float32 values."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {list(tensor.shape)}\n".encode())
        digest.update(tensor.numpy().astype("<f4", copy=False).data)
    return digest.hexdigest()


def save_checkpoint(
    path: Path,
    tensors: dict[str, Tensor],
    source: str,
    license: str,
    input: InputConvention,
    subspaces: dict[str, Tensor] | None = None,
) -> Checkpoint:
    """Write a checkpoint whole or not at all, and return it."""
    beside = subspaces or {}
    checkpoint = Checkpoint(tensors, digest_tensors(tensors), source, license, input, beside)
    metadata = {
        "format": "pt",
        "sha256": checkpoint.digest,
        "source": source,
        "license": license,
        "input": json.dumps(asdict(input)),
        _SUBSPACES_DIGEST: digest_tensors(beside),
    }
    partial = path.with_suffix(".partial")
    named = {_SUBSPACES + name: tensor for name, tensor in beside.items()}
    save_file(tensors | named, partial, metadata)
    partial.chmod(0o644)
    partial.replace(path)
    return checkpoint


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint and verify its names, shapes and digest.

    Raises WeightsError for a file that is missing, broken, altered, or no checkpoint.
    """
    if not path.is_file():
        raise WeightsError(f"There are no weights at {path}: run `make weights`.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is not a whole safetensors file: {error}.") from error
    missing = {"sha256", "source", "license", "input"} - metadata.keys()
    if missing:
        names = ", ".join(sorted(missing))
        raise WeightsError(f"{path} does not tell its {names}: make it with `make weights`.")
    tensors = select_convolutions(state, str(path))
    digest = digest_tensors(tensors)
    if digest != metadata["sha256"]:
        raise WeightsError(
            f"{path} was altered: its tensors have the sha256 {digest}, "
            f"and its metadata says {metadata['sha256']}."
        )
    convention = _read_convention(metadata["input"], path)
    subspaces = {
        name.removeprefix(_SUBSPACES): tensor
        for name, tensor in state.items()
        if name.startswith(_SUBSPACES)
    }
    if subspaces and digest_tensors(subspaces) != metadata.get(_SUBSPACES_DIGEST):
        raise WeightsError(f"{path} was altered: its subspaces are not those that it tells of.")
    told = (metadata["source"], metadata["license"], convention)
    return Checkpoint(tensors, digest, *told, subspaces)


def _read_convention(text: str, path: Path) -> InputConvention:
    try:
        fields = json.loads(text)
        order, scale = fields["order"], float(fields["scale"])
        mean, std = _triple(fields["mean"]), _triple(fields["std"])
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} tells its input in a way that cannot be read.") from error
    if order not in ("bgr", "rgb"):
        raise WeightsError(f"{path}: the channel order must be bgr or rgb, not {order!r}.")
    return InputConvention(order, scale, mean, std)


def _triple(values: list[float]) -> tuple[float, float, float]:
    first, second, third = values
    return float(first), float(second), float(third)
