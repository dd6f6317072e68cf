"""What paintings of the peers took, unmodified as they are, in environments of their own.

python benchmarks/peers.py pastiche --size 64 --steps 5      one run, printed as JSON
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, Final

from painter.network.weights import load_checkpoint
from pairs import EXAMPLES, Pair, Scene, make_scene
from peer_setup import (
    BENCH,
    CAFFE_FILE,
    LOADING,
    PEERS,
    WEIGHTS,
    PeerError,
    last_line,
    make_ready,
    python_of,
)

STEPS: Final = 500
SNAPSHOTS: Final = 5
_LOADS: Final = 3


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


@cache
def loading_seconds(peer: str, folder: Path = BENCH) -> float:
    """The median time of processes that start, import and load the weights, and do no more."""
    command = [str(python_of(peer, folder)), "-c", LOADING[peer]]
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
    command = command_of(peer, scene, steps, every, out, device)
    command[0] = str(python_of(peer, folder).with_name(command[0]))
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


def command_of(
    peer: str, scene: Scene, steps: int, every: int, out: Path, device: str
) -> list[str]:
    """The peer's command, which leaves `finished.png` in `out`, and pictures every few steps."""
    return _COMMANDS[peer](scene, steps, every, out, device)


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
        raise PeerError(f"{peer} failed: {last_line(run.stderr)}")
    return began, time.perf_counter() - clock


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
