"""The peers, unmodified, in environments of their own, and what their paintings took.

python benchmarks/peers.py pastiche --size 64 --steps 5      one run, printed as JSON
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import time
import venv
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, Final

import torch

from painter.network.weights import CAFFE, Checkpoint, load_checkpoint
from pairs import EXAMPLES, ROOT, Pair, Scene, make_scene

BENCH: Final = ROOT / ".bench"
WEIGHTS: Final = ROOT / "model_store" / "vgg19.safetensors"
CAFFE_FILE: Final = "vgg19-caffe.pth"
STEPS: Final = 500
SNAPSHOTS: Final = 5
_LOADS: Final = 3
# What each peer does before it touches a picture: start, import torch, load the weights. It ends
# at once then, as clearing up takes seconds that a painting does not wait for.
_LOADING: Final = {
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
PEERS: Final = tuple(_LOADING)


class PeerError(Exception):
    """A peer that cannot be run; the message is one sentence."""


@dataclass(frozen=True)
class PeerRun:
    """One painting of a peer; all times are in seconds.

    `whole` is that of the process, `loading` that of a process which only loads the weights.
    `snapshots` has PNG files and when they were there, less the loading; the last one is the
    finished painting, and `seconds` is its time: pictures in to PNG out.
    """

    peer: str
    pair: str
    size: int
    steps: int
    whole: float
    loading: float
    seconds: float
    snapshots: list[tuple[float, str]]

    @property
    def painting(self) -> bytes:
        """The finished painting, a PNG."""
        return Path(self.snapshots[-1][1]).read_bytes()


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
    command = [*pip, "--python", str(_python(peer, folder)), *install]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if run.returncode:
        raise PeerError(f"{peer} cannot be installed: {_last_line(run.stderr)}")
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


@cache
def loading_seconds(peer: str, folder: Path = BENCH) -> float:
    """The median time of processes that start, import and load the weights, and do no more."""
    command = [str(_python(peer, folder)), "-c", _LOADING[peer]]
    return median(_timed(peer, command, folder, 600)[1] for _ in range(_LOADS))


def paint(
    peer: str,
    scene: Scene,
    steps: int,
    results: Path,
    limit: float,
    device: str = "cpu",
    folder: Path = BENCH,
) -> PeerRun:
    """Let a peer paint a scene within a limit in seconds; raises PeerError where it does not."""
    loading = loading_seconds(peer, folder)
    out = results / "paintings" / f"{peer}-{scene.name}-{steps}"
    out.mkdir(parents=True, exist_ok=True)
    for old in out.iterdir():
        old.unlink()
    every = max(1, steps // SNAPSHOTS)
    command = _COMMANDS[peer](scene, steps, every, out, device)
    command[0] = str(_python(peer, folder).with_name(command[0]))
    began, whole = _timed(peer, command, folder, limit)
    finished = out / "finished.png"
    if not finished.is_file():
        raise PeerError(f"{peer} left no painting")
    files = sorted(out.iterdir(), key=lambda path: (path == finished, path.stat().st_mtime))
    before = began + loading
    snapshots = [(max(0.001, path.stat().st_mtime - before), str(path)) for path in files]
    told = (peer, scene.pair, scene.size, steps, whole, loading)
    return PeerRun(*told, snapshots[-1][0], snapshots)


def painted_once(
    peer: str, scene: Scene, steps: int, results: Path, limit: float, device: str = "cpu"
) -> PeerRun:
    """Like `paint`, but what was painted before is read from the results."""
    kept = kept_run(peer, scene, steps, results)
    if kept.exists():
        return PeerRun(**json.loads(kept.read_text()))
    run = paint(peer, scene, steps, results, limit, device)
    kept.write_text(json.dumps(asdict(run), indent=1))
    return run


def kept_run(peer: str, scene: Scene, steps: int, results: Path) -> Path:
    """Where `painted_once` keeps what a painting took."""
    return results / f"peer-{peer}-{scene.name}-{steps}.json"


def _pastiche(scene: Scene, steps: int, every: int, out: Path, device: str) -> list[str]:
    # Its styles default to the photo's area; the longest side is what the others go by.
    sizes = ["--size", str(scene.size), "--style-size", str(scene.size)]
    files = ["-c", str(scene.content), "-s", str(scene.style), "-o", str(out / "finished.png")]
    watched = ["--workspace", str(out), "--workspace-step", str(every)]
    fixed = ["--device", device, "--num-steps", str(steps), "--seed", "1"]
    return ["pastiche", *files, *sizes, *fixed, *watched]


def _neural_style(scene: Scene, steps: int, every: int, out: Path, device: str) -> list[str]:
    asked: dict[str, Any] = {
        "-content_image": scene.content,
        "-style_image": scene.style,
        "-output_image": out / "finished.png",
        "-image_size": scene.size,
        "-num_iterations": steps,
        "-save_iter": every,
        "-model_file": CAFFE_FILE,
        "-seed": 1,
        "-gpu": "c" if device == "cpu" else "0",
    }
    return ["neural-style", *(str(part) for pair in asked.items() for part in pair)]


_COMMANDS: Final = {"pastiche": _pastiche, "neural-style": _neural_style}


def _timed(peer: str, command: list[str], folder: Path, limit: float) -> tuple[float, float]:
    """When a command began (as a file's time) and its seconds."""
    hidden = {"PYTHONPATH", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    began, clock = time.time(), time.perf_counter()
    try:
        # A relative path to the weights: neural-style reads the architecture out of the name.
        run = subprocess.run(  # noqa: S603
            command,
            cwd=folder,
            env=environment,
            timeout=limit,
            capture_output=True,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PeerError(f"{peer} was not done within {limit:.0f} s") from error
    if run.returncode:
        raise PeerError(f"{peer} failed: {_last_line(run.stderr)}")
    return began, time.perf_counter() - clock


def _python(peer: str, folder: Path) -> Path:
    return folder / peer / "bin" / "python"


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["without a word"])[-1]


def make_ready(checkpoint: Checkpoint, folder: Path = BENCH) -> None:
    """Environments and weights for all peers; raises PeerError where one is missing."""
    folder.mkdir(exist_ok=True)
    if not (folder / CAFFE_FILE).exists():
        write_caffe_weights(checkpoint, folder / CAFFE_FILE)
    for peer in PEERS:
        set_up(peer, folder)


def main() -> int:
    """Run from the command line; 2 with one sentence where the peer cannot be run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--size", type=int, default=256, help="the longest side in px")
    parser.add_argument("--steps", type=int, default=STEPS)
    asked = parser.parse_args()
    example = Pair("example", EXAMPLES / "photo.jpg", EXAMPLES / "style.png")
    try:
        make_ready(load_checkpoint(WEIGHTS))
        scene = make_scene(example, asked.size, BENCH / "scenes")
        run = paint(asked.peer, scene, asked.steps, BENCH, 3600)
    except PeerError as error:
        print(f"peers: {error}", file=sys.stderr)
        return 2
    print(json.dumps(asdict(run), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
