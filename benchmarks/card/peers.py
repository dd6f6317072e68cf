"""Peers on the same device, unmodified and with their defaults, beside Bruno's default painting."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

from card.bench import Bench
from card.engine import paint
from card.notes import Notes
from card.settings import Share
from card.wheels import unpack_whole
from judge import Judge
from painter.network.weights import load_checkpoint
from painter.options.reading import read_options
from painter.options.request import Request
from pairs import EXAMPLES, Pair, Scene, make_scene
from peer_setup import CAFFE_FILE, PEERS, PeerError, last_line, write_caffe_weights
from peers import SNAPSHOTS, command_of

# What their commands call.
_MAINS: Final = {"pastiche": "pastiche.pastiche", "neural-style": "neural_style.neural_style"}
_WARM_UPS: Final = 2
_ROUNDS: Final = 5


def measure(notes: Notes, bench: Bench) -> None:
    """One painting of each peer whose wheel was given."""
    for peer in PEERS:
        if peer not in bench.peers:
            notes.leave_out(peer, "its wheel was not given")
    given = [peer for peer in PEERS if peer in bench.peers]
    for left, peer in zip(range(len(given), 0, -1), given, strict=True):
        notes.take(peer, partial(_beside, notes.share.part(1 / left), bench, peer))


def _beside(share: Share, bench: Bench, peer: str) -> dict[str, Any]:
    """Seconds and the judge's errors, of a peer and of a default painting of the same pixels."""
    example = Pair("example", EXAMPLES / "photo.jpg", EXAMPLES / "style.png")
    scene = make_scene(example, bench.extent.painting["size"], bench.scratch / "scenes")
    content, style = scene.content.read_bytes(), scene.style.read_bytes()
    judge = Judge(load_checkpoint(bench.weights), content, style)
    own = _own(share, bench, Request(read_options({"size": scene.size}), content, (style,)))
    seconds, done, painting = _painted(bench, peer, scene, share.left)
    return {
        "steps": bench.extent.peer_steps,
        "seconds": seconds,
        "judged after": done,
        "errors": asdict(judge.errors(painting)),
        "own": {"seconds": own["seconds"], "errors": asdict(judge.errors(own["file"]))},
    }


def _own(share: Share, bench: Bench, request: Request) -> dict[str, Any]:
    painter = bench.replaying_painter if bench.device.is_card else bench.painter
    runs = [paint(painter, [request], share) for _ in range(_WARM_UPS + _ROUNDS)]
    return {
        "seconds": median(run["seconds"] for run in runs[_WARM_UPS:]),
        "file": runs[-1]["files"][0],
    }


def _painted(bench: Bench, peer: str, scene: Scene, limit: float) -> tuple[float, int, bytes]:
    """The seconds of a painting, its last snapshot within a limit, and after how many steps.

    The seconds are those between its first snapshot and its last, for all of its steps: so neither
    its start counts, nor that of the device's libraries. Raises PeerError where there are no two.
    """
    home, out = bench.scratch / peer, bench.scratch / f"{peer}-paintings"
    out.mkdir(exist_ok=True)
    unpack_whole(bench.peers[peer], home)
    if peer == "neural-style":
        write_caffe_weights(load_checkpoint(bench.weights), home / CAFFE_FILE)
    steps = bench.extent.peer_steps
    every = max(1, steps // SNAPSHOTS)
    asked = command_of(peer, scene, steps, every, out, bench.device.where.type)[1:]
    call = f"import sys; from {_MAINS[peer]} import main; sys.exit(main())"
    _run(peer, [sys.executable, "-c", call, *asked], home, limit)
    snapshots = sorted(out.iterdir(), key=lambda path: path.stat().st_mtime)
    if len(snapshots) < 2:
        raise PeerError(f"{peer} left no two snapshots within {limit:.0f} s")
    first, last = (path.stat().st_mtime for path in (snapshots[0], snapshots[-1]))
    # What is finished may be written as a snapshot as well, and once more.
    done = min(steps, every * len(snapshots))
    return (last - first) * steps / (done - every), done, snapshots[-1].read_bytes()


def _run(peer: str, command: list[str], home: Path, limit: float) -> None:
    """Lets a peer paint; at the limit it is ended, and what it has left until then serves."""
    environment = {**os.environ, "PYTHONPATH": str(home)}
    try:
        run = subprocess.run(  # noqa: S603
            command,
            cwd=home,
            env=environment,
            timeout=max(1.0, limit),
            capture_output=True,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return
    if run.returncode:
        raise PeerError(f"{peer} failed: {last_line(run.stderr)}")
