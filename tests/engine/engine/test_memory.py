"""What a painting takes is told before it starts, and does not grow with tiled pictures."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest
import torch

from jobs import small_painter
from painter.device.memory import bytes_usable
from painter.engine.memory import bytes_needed
from painter.errors import OutOfMemory
from painter.optimizers.hessian import HISTORY
from painter.planning.plan import make_plan
from pictures import photo, png, request, stripes

CPU = torch.device("cpu")
LARGE = {"content": photo(64, 64), "size": 512}


def _needed(dtype=torch.float32, **given):
    return bytes_needed(make_plan(request(**given)), dtype)


def test_what_is_usable_is_less_than_what_the_machine_has():
    assert 0 < bytes_usable(CPU) < 2**50


def test_a_limit_of_the_container_counts(monkeypatch, tmp_path):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr("painter.device.memory._CGROUP_LIMITS", (limit, tmp_path / "none"))
    free = bytes_usable(CPU)
    limit.write_text("1000000\n")
    assert bytes_usable(CPU) == 800_000
    limit.write_text("max\n")
    assert bytes_usable(CPU) == pytest.approx(free, rel=0.2)


@pytest.mark.parametrize(
    "more",
    [
        {"size": 1024},
        {"content": photo(64, 63), "size": 1280},
        {"style_scale": 2},
        {"content_layers": "all"},
        {"style_layers": "conv1_1:1,conv5_4:1"},
    ],
    ids=lambda more: ",".join(more),
)
def test_more_of_it_needs_more(more):
    assert _needed(**{**LARGE, **more}) > _needed(**LARGE)


def test_the_history_of_lbfgs_needs_memory():
    # On one level, which is tiled, no features are kept: the canvas's copies alone differ.
    given = {"content": photo(64, 64), "size": 2048, "levels": 1}
    assert _needed(**given, optimizer="lbfgs") - _needed(**given) >= HISTORY * 2 * 2048**2 * 12


def test_half_the_type_needs_about_half():
    assert _needed(torch.bfloat16, **LARGE) < 0.6 * _needed(**LARGE)


def test_a_float32_painting_of_512_px_needs_what_its_activations_hold():
    # 512² px hold 64 + 64 + 128/4 + ... values a pixel in the layers down to conv5_1 alone.
    least = 512**2 * 4 * (2 * 64 + 2 * 32 + 4 * 16 + 4 * 8 + 2)
    assert least < _needed(**LARGE) < 8 * least


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_beyond_a_tile_only_canvas_and_optimizer_grow(optimizer):
    given = {"content": photo(64, 64), "optimizer": optimizer}
    growth = _needed(**given, size=4096) - _needed(**given, size=2048)
    canvas = (4096**2 - 2048**2) * 3 * 4
    assert growth <= canvas * (11 if optimizer == "adam" else 32 + 2 * HISTORY)


def test_styles_count_as_large_as_they_are_kept():
    small, large = (_needed(styles=(photo(side, side),)) for side in (64, 128))
    assert large - small == 3 * (128**2 - 64**2)


def test_a_style_seen_larger_than_the_canvas_counts_as_floats():
    given = {"content": photo(64, 64), "size": 2048, "levels": 1}
    assert _needed(**given, style_scale=4) - _needed(**given, style_scale=1) > 8192**2 * 12


def test_what_does_not_fit_is_refused_before_it_starts():
    painter = small_painter()
    plan = make_plan(request())
    needed = bytes_needed(plan, painter.vgg.trunk)
    painter.memory_bytes = needed - 1
    with pytest.raises(OutOfMemory, match="64 x 48 px needs about .* there are") as caught:
        painter.begin(request())
    assert (caught.value.code, caught.value.field) == ("out_of_memory", "size")
    painter.memory_bytes = needed
    assert not painter.begin(request()).finished


def test_the_histograms_of_every_region_and_level_are_counted():
    masked = {"styles": [stripes(), photo(seed=3)], "masks": {1: png([[255] * 32 + [0] * 32] * 48)}}
    one, two = (
        bytes_needed(make_plan(request(size=128, style_loss="sliced", **given)), torch.float32)
        - bytes_needed(make_plan(request(size=128, **given)), torch.float32)
        for given in ({}, masked)
    )
    assert two == 2 * one > 2 * (64 + 128 + 256 + 512 + 512) * 512 * 8


@pytest.mark.parametrize("loss", ["neighbors", "relaxed_transport"])
def test_the_hypercolumns_of_every_region_and_level_are_counted(loss):
    masked = {"styles": [stripes(), photo(seed=3)], "masks": {1: png([[255] * 32 + [0] * 32] * 48)}}
    one, two = (
        _needed(size=128, style_loss=f"gram:1,{loss}:1", **given) - _needed(size=128, **given)
        for given in ({}, masked)
    )
    length = 2 * (64 + 128) + 3 * (256 + 512)
    assert two - one >= 2 * 2048 * length * 4
    assert one > 2 * 2048 * length * 4


def _faults_of_a_second_allocation(before, how, **environment):
    """Pages that come in where 8 MiB are taken after 16 were freed, in a process of its own."""
    code = f"""
import resource, threading, torch
from painter.device import memory
{before}
def allocate():
    torch.ones(2**22)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(2**21)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults)
{how}
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return int(done.stdout)


@pytest.mark.skipif(
    "glibc" not in platform.libc_ver(), reason="only glibc's allocator can be told so"
)
@pytest.mark.parametrize(
    ("how", "environment"),
    [
        ("allocate()", {}),
        # As the server's engine does, in the environment that its worker gets.
        ("threading.Thread(target=allocate).start()", {"MALLOC_ARENA_MAX": "1"}),
    ],
    ids=["alone", "on a thread"],
)
def test_freed_memory_is_kept_for_the_next_evaluation(how, environment):
    assert _faults_of_a_second_allocation("", how, **environment) > 1_000
    kept = "memory.keep_freed_memory()"
    assert _faults_of_a_second_allocation(kept, how, **environment) < 100


def _peak_of_a_painting(side):
    """The most bytes that a process of its own holds while it paints a large square."""
    code = f"""
from jobs import begun, step
from pictures import stripes
picture = stripes({side}, {side})
given = {{"content_layers": "conv1_1", "style_layers": "conv1_1", "format": "jpeg"}}
job = begun(content=picture, styles=[picture], size={side}, levels=1, steps=2, **given)
while not job.finished:
    step(job)
job.result()
(line,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(int(line.split()[1]) * 1024)
"""
    # Whatever is freed goes back at once: the allocator's gaps would blur what is counted.
    given = {"PYTHONPATH": os.pathsep.join(sys.path), "MALLOC_MMAP_THRESHOLD_": str(2**16)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, **given}
    )
    return int(done.stdout)


@pytest.mark.skipif(
    "glibc" not in platform.libc_ver(), reason="only glibc's allocator can be told so"
)
def test_a_pixel_of_a_tiled_painting_takes_few_copies_of_the_canvas():
    # Both are whole numbers of tiles of 768 px, so that a tile is as large on both.
    small, large = 2 * 768 - 16, 3 * 768 - 16
    growth = _peak_of_a_painting(large) - _peak_of_a_painting(small)
    assert growth / (large**2 - small**2) < 100
