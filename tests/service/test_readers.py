"""Pictures are read in processes that can be ended, and take no more than their budget."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

import bombs
from bruno_service import readers as module
from bruno_service.readers import PIXEL_BYTES, Readers
from files import png16, save
from painter.errors import Internal, NotAnImage, OutOfRange, TooLarge
from painter.pictures.decoding import read_planes
from pictures import photo

SIDE = 1600
# Readers that services of tests before have left: they end with this process.
OTHERS: set[int] = set()


@pytest.fixture(autouse=True)
def _others() -> None:
    OTHERS.clear()
    OTHERS.update({each.pid for each in _processes()})


@pytest.fixture
def readers() -> Iterator[Readers]:
    made = Readers(1, 20.0)
    yield made
    made.close()


def _process() -> psutil.Process:
    (child,) = _processes()
    return child


def _processes() -> list[psutil.Process]:
    own = [child for child in psutil.Process().children() if child.pid not in OTHERS]
    return [child for child in own if "bruno_service.reader" in child.cmdline()]


def _files() -> Iterator[tuple[str, bytes]]:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 4), dtype=np.uint8)
    clear = Image.fromarray(noise).resize((SIDE, SIDE))
    yield "jpeg", save(clear.convert("RGB"), "jpeg", progressive=True)
    yield "webp with alpha", save(clear, "webp", method=0)
    yield "png16 with alpha", png16(np.asarray(clear).astype(np.uint16) * 257)


def test_what_is_read_is_what_is_read_here(readers):
    for data in (photo(), bombs.many_frames(), png16(np.full((20, 30, 4), 30000))):
        found, expected = readers.read(data, "content"), read_planes(data, "content")
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_what_is_wrong_with_a_picture_is_told_as_it_is_here(readers):
    with pytest.raises(NotAnImage, match="mask_1 is a PNG picture that cannot be decoded") as found:
        readers.read(photo()[:200], "mask_1")
    assert (found.value.code, found.value.field) == ("broken_image", "mask_1")
    with pytest.raises(TooLarge):
        readers.read(save(Image.new("1", (8193, 8192)), "tiff", compression="group4"), "style")


def test_each_kind_keeps_to_its_budget(readers):
    for kind, data in _files():
        readers.read(photo(), "content")
        status = Path(f"/proc/{_process().pid}")
        (status / "clear_refs").write_text("5")  # forgets the peak before
        before = _process().memory_info().rss
        readers.read(data, "content")
        (line,) = (each for each in (status / "status").read_text().splitlines() if "HWM" in each)
        rise = int(line.split()[1]) * 1024 - before - len(data)
        assert (kind, rise <= PIXEL_BYTES * SIDE * SIDE) == (kind, True), rise / SIDE**2


def test_a_picture_that_takes_more_memory_than_its_budget_is_refused(readers, monkeypatch):
    readers.read(photo(), "content")
    monkeypatch.setattr(module, "BASE_BYTES", 2**20)
    with pytest.raises(OutOfRange) as found:
        readers.read(save(Image.new("RGB", (600, 800)), "webp"), "content")
    monkeypatch.undo()
    assert found.value.detail == (
        "content must be decoded with 11 MiB of memory, and takes more than that"
    )
    assert readers.read(photo(), "content").shape == (3, 48, 64)


def test_a_strip_that_inflates_takes_no_more_than_its_budget(readers):
    with pytest.raises((OutOfRange, NotAnImage)):
        readers.read(bombs.inflating_strip(), "content")
    assert _process().memory_info().rss < module.BASE_BYTES


def test_a_picture_that_takes_too_long_is_refused_and_the_next_is_read(monkeypatch):
    monkeypatch.setattr(module, "SLOWEST", 1000)
    readers = Readers(1, 0.1)
    with pytest.raises(OutOfRange) as found:
        readers.read(bombs.many_scans(90, 6000), "style_2")
    assert (found.value.code, found.value.field) == ("image_too_costly", "style_2")
    assert "style_2 must be decoded within 0.1 s" in found.value.detail
    assert readers.read(photo(), "content").shape == (3, 48, 64)
    readers.close()


def test_a_process_that_stands_still_costs_nobody_a_picture(readers, monkeypatch):
    start, still = module._Process._start, None

    def start_still(process):
        start(process)
        if still is None or process._process.pid == still:
            psutil.Process(process._process.pid).suspend()
        monkeypatch.setattr(module, "SLOWEST", 0.01 if still in (None, process._process.pid) else 9)

    readers.read(photo(), "content")
    still = _process().pid
    monkeypatch.setattr(module._Process, "_start", start_still)
    assert readers.read(photo(), "content").shape == (3, 48, 64)
    assert _process().pid != still
    still = None
    with pytest.raises(OutOfRange, match="within"):
        readers.read(photo(), "content")


def test_a_process_that_is_killed_costs_nobody_a_picture(readers):
    readers.read(photo(), "content")
    _process().kill()
    assert readers.read(photo(), "content").shape == (3, 48, 64)


def test_a_process_that_could_not_be_started_is_started_later(readers, monkeypatch):
    readers.read(photo(), "content")
    _process().kill()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(reasons.pop(0), "no")

    # The first time it is tried is when the one that was killed is to be replaced.
    reasons = [errno.EAGAIN, errno.EAGAIN, errno.ENOMEM]
    monkeypatch.setattr(module.subprocess, "Popen", refuse)
    with pytest.raises(Internal, match="the process that reads pictures does not start"):
        readers.read(photo(), "content")
    with pytest.raises(MemoryError):
        readers.read(photo(), "content")
    monkeypatch.undo()
    assert readers.read(photo(), "content").shape == (3, 48, 64)


def test_the_processes_end_with_the_server_and_know_no_device():
    program = (
        "import os, sys, psutil; from bruno_service.readers import Readers; Readers(2, 1);"
        "print(*(child.pid for child in psutil.Process().children()), flush=True); os._exit(1)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    pids = [int(pid) for pid in run.stdout.split()]
    assert len(pids) == 2
    left = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    assert psutil.wait_procs(left, timeout=60)[1] == []
    loaded = "import sys, bruno_service.reader; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True)
    assert found.stdout == "False\n"
