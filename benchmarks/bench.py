"""Measure Bruno beside its peers and the machine, and write RESULTS.md (`make bench`).

The plain run starts from nothing and leaves out what does not fit into 45 minutes; the full
one does every pair and size, and goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

# Before torch, which reads how long threads wait for each other: as long as in the server.
import painter  # noqa: F401

# isort: split
import torch

from defaults import PEER, measure_defaults
from judge import Errors, Judge
from painter.engine.painter import Painter
from painter.network.weights import WeightsError, load_checkpoint
from pairs import ROOT, USUAL_IMAGES, Pair, Scene, find_pairs, make_scene
from peaks import PeakError, measure_peak
from peer_setup import BENCH, PEERS, WEIGHTS, PeerError, make_ready
from peers import PeerRun, kept_run, painted_once
from plot import write_plot
from quality import OutOfTimeError, Search, as_json
from report import write_results
from scales import FULL, QUICK, SMOKE, Scale
from serving import measure_serving, measure_start, pack, threads
from settings import StartError
from step import measure_step
from together import measure_cache, measure_together

SECTIONS: Final = ("step", "together", "cache", "serving", "start", "peaks", "quality", "defaults")
# A peer's time grows with the pixels, and a little more.
_PIXELS_COST: Final = 1.1
# Seconds that are kept for our own paintings of 512 px after a peer's.
_RESERVE: Final = 300.0


@dataclass
class Bench:
    """One run over the sections; what is measured is kept in `folder` at once."""

    scale: Scale
    pairs: list[Pair]
    folder: Path
    device: str
    left_out: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._end = time.monotonic() + self.scale.minutes * 60
        self._checkpoint = load_checkpoint(WEIGHTS)
        self._painter = Painter(WEIGHTS, self.device)
        self._painter.warm_up()
        self._scenes = self.folder / "scenes"

    def run(self, sections: list[str]) -> dict[str, Any]:
        """Measure the sections, in an order that leaves the long ones to the end."""
        measures: dict[str, Callable[[], Any]] = {
            "step": self._step,
            "together": self._together,
            "cache": lambda: measure_cache(self._painter, self._scene(0, 64)),
            "serving": self._serving,
            "start": lambda: measure_start(
                pack(WEIGHTS, self.folder), self._scene(0, 64), min(3, self.scale.repeats)
            ),
            "peaks": self._peaks,
            "quality": self._quality,
            "defaults": self._defaults,
        }
        found: dict[str, Any] = {}
        for name in SECTIONS:
            if name in sections:
                print(f"{self.scale.target}: {name}", flush=True)
                found[name] = self._kept(name, measures[name])
        return {
            **found,
            "target": self.scale.target,
            "device": self.device,
            "trunk": str(self._painter.vgg.trunk).removeprefix("torch."),
            "left_out": self.left_out,
        }

    def _kept(self, name: str, measure: Callable[[], Any]) -> Any:
        """What was measured before, or now; a section that left something out is not kept."""
        kept = self.folder / f"{name}.json"
        if kept.exists():
            return json.loads(kept.read_text())
        gaps = len(self.left_out)
        found = json.loads(json.dumps(measure()))
        if len(self.left_out) == gaps:
            kept.write_text(json.dumps(found, indent=1))
        return found

    def _remaining(self) -> float:
        return self._end - time.monotonic()

    def _scene(self, pair: int, size: int) -> Scene:
        return make_scene(self.pairs[pair], size, self._scenes)

    def _step(self) -> dict[str, Any]:
        return measure_step(self._painter, self._scene(0, self.scale.step_size), rounds=9)

    def _together(self) -> dict[str, Any]:
        size, steps, rounds = self.scale.together
        return measure_together(self._painter, self._scene(0, size), steps, rounds)

    def _serving(self) -> dict[str, Any]:
        size, steps, rounds = self.scale.serving
        scene = self._scene(0, size)
        return measure_serving(self._painter, pack(WEIGHTS, self.folder), scene, steps, rounds)

    def _peaks(self) -> dict[str, Any]:
        found = {}
        for size in self.scale.peaks:
            measure = partial(measure_peak, self._scene(0, size), min(3600.0, self._remaining()))
            try:
                peak = self._kept(f"peak-{size}", measure)
            except PeakError as error:
                self.left_out.append(str(error))
                break
            found[str(size)] = peak
        return found

    def _quality(self) -> list[dict[str, Any]]:
        try:
            make_ready(self._checkpoint)
        except PeerError as error:
            self.left_out.append(str(error))
            return []
        runs: list[dict[str, Any]] = []
        for pair, size in self.scale.scenes:
            if pair < len(self.pairs):
                runs += self._against_peers(self._scene(pair, size), runs)
        return runs

    def _against_peers(self, scene: Scene, before: list[dict[str, Any]]) -> list[dict[str, Any]]:
        judge = Judge(self._checkpoint, scene.content.read_bytes(), scene.style.read_bytes())
        # A run that can be gone on with shall not lose what a peer has painted for hours.
        until = math.inf if self.scale.resumes else self._end
        own = (self.scale.own_steps, self.scale.repeats, until)
        search = Search(self._painter, judge, scene, *own)
        runs = []
        for peer in PEERS:
            limit = self._remaining() - _RESERVE * (scene.size / 512) ** 2
            expected = _expected(peer, scene.size, before)
            kept = kept_run(peer, scene, self.scale.peer_steps, self.folder)
            if limit < expected and not kept.exists():
                needed = f"{expected:.0f} s" if expected else "seconds"
                self.left_out.append(f"{peer} at {scene.name}: no {needed} were left")
                continue
            print(f"  {scene.name}: {peer}", flush=True)
            try:
                run = self._peer_run(peer, scene, limit)
            except PeerError as error:
                self.left_out.append(f"{scene.name}: {error}")
                continue
            print(f"  {scene.name}: Bruno, until it is as good", flush=True)
            measure = partial(_compared, run, judge, search)
            try:
                runs.append(self._kept(f"quality-{scene.name}-{peer}", measure))
            except OutOfTimeError:
                self.left_out.append(f"{scene.name}: no time to be as good as {peer}")
        return runs

    def _defaults(self) -> list[dict[str, Any]]:
        try:
            make_ready(self._checkpoint)
        except PeerError as error:
            self.left_out.append(str(error))
            return []
        found: list[dict[str, Any]] = []
        for pair, size in self.scale.scenes:
            if pair < len(self.pairs):
                found += self._default(self._scene(pair, size))
        return found

    def _default(self, scene: Scene) -> list[dict[str, Any]]:
        """Both sides' default paintings; the peer's is the one that `quality` had painted."""
        kept = kept_run(PEER, scene, self.scale.peer_steps, self.folder)
        limit = self._remaining() - _RESERVE * (scene.size / 512) ** 2
        if limit <= 0 and not kept.exists():
            self.left_out.append(f"defaults at {scene.name}: no seconds were left")
            return []
        print(f"  {scene.name}: defaults", flush=True)
        try:
            run = self._peer_run(PEER, scene, limit)
        except PeerError as error:
            self.left_out.append(f"{scene.name}: {error}")
            return []
        judge = Judge(self._checkpoint, scene.content.read_bytes(), scene.style.read_bytes())
        measure = partial(measure_defaults, self._painter, judge, scene, run, self.scale.repeats)
        return [self._kept(f"defaults-{scene.name}", measure)]

    def _peer_run(self, peer: str, scene: Scene, limit: float) -> PeerRun:
        most = min(limit, 6 * 3600.0)
        return painted_once(peer, scene, self.scale.peer_steps, self.folder, most, self.device)


def _compared(run: PeerRun, judge: Judge, search: Search) -> dict[str, Any]:
    curve = [(seconds, judge.errors(Path(file).read_bytes())) for seconds, file in run.snapshots]
    goal = curve[-1][1]
    return {
        **asdict(run),
        "errors": asdict(goal),
        "trajectory": [[seconds, asdict(errors)] for seconds, errors in curve],
        "own": as_json(search.soonest(goal), search, goal),
    }


def _expected(peer: str, size: int, before: list[dict[str, Any]]) -> float:
    """Seconds that a peer will need, from what it has needed at other sizes; 0 if unknown."""
    times = [
        run["whole"] * max(1.0, _PIXELS_COST * (size / run["size"]) ** 2)
        for run in before
        if run["peer"] == peer and run["size"] <= size
    ]
    return max(times, default=0.0)


def _plot(runs: list[dict[str, Any]], path: Path) -> list[str]:
    """The largest scene's curves: each peer's, and Bruno's in what came as near soonest."""
    if not runs:
        return []
    size = max(run["size"] for run in runs)
    shown = [run for run in runs if run["size"] == size]
    shown = [run for run in shown if run["pair"] == shown[0]["pair"]]
    curves = {run["peer"]: _curve(run["trajectory"]) for run in shown}
    for run in shown:
        curves[f"Bruno as {run['peer']}"] = _curve(run["own"]["trajectory"])
    write_plot(curves, f"{shown[0]['pair']}, {size} px: errors against seconds", path)
    return [path.name]


def _curve(trajectory: list[Any]) -> list[tuple[float, Errors]]:
    return [(seconds, Errors(**errors)) for seconds, errors in trajectory]


def results_folder(scale: Scale, home: Path) -> Path:
    """Where a run keeps what it measures: empty, unless it goes on where another stopped."""
    folder = home / "results" / scale.target
    if not scale.resumes:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--full", action="store_true", help="every pair and size, resumable")
    size.add_argument("--smoke", action="store_true", help="tiny sizes: whether it runs")
    parser.add_argument("--images", type=Path, default=USUAL_IMAGES, help="photos and styles")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--tag", default="", help="for the names of the files: RESULTS-TAG.md")
    parser.add_argument("--minutes", type=float, help="begin no painting of a peer after these")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    return parser.parse_args()


def main() -> int:
    """Run from the command line; 2 with one sentence where nothing can be measured."""
    asked = _arguments()
    scale = FULL if asked.full else SMOKE if asked.smoke else QUICK
    scale = scale if asked.minutes is None else replace(scale, minutes=asked.minutes)
    folder = results_folder(scale, BENCH)
    torch.set_num_threads(threads())
    pairs = find_pairs(asked.images)
    if not (asked.images / "content").is_dir():
        print(f"There are no photos in {asked.images}/content: the examples serve instead.")
    try:
        results = Bench(scale, pairs, folder, asked.device).run(asked.sections)
    except (WeightsError, StartError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    home = folder if asked.smoke else ROOT / "benchmarks"
    tag = f"-{asked.tag}" if asked.tag else ""
    plots = _plot(results.get("quality", []), home / f"errors{tag}.svg")
    table = home / f"RESULTS{tag}.md"
    write_results(results, plots, table)
    print(f"written: {os.path.relpath(table)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
