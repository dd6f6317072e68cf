"""CUDA graphs, as far as they can be seen without a device: the order of calls, and failures."""

from __future__ import annotations

import gc
from contextlib import contextmanager

import pytest
import torch

from painter.graphs import GraphRecorder

DEVICE = torch.device("cuda", 0)


class Driver:
    """What a recorder asks of PyTorch, in order."""

    def __init__(self, monkeypatch):
        self.calls = []
        driver = self

        class Stream:
            def __init__(self, device=None):
                self.name = "own" if device is not None else "asking"

            def wait_stream(self, other):
                driver.calls.append(f"{self.name} waits for {other.name}")

        class Graph:
            def capture_begin(self, pool, capture_error_mode):
                driver.calls.append(f"begin in {pool} {capture_error_mode}")

            def capture_end(self):
                driver.calls.append("end")

            def replay(self):
                driver.calls.append("replay")

        @contextmanager
        def stream(which):
            driver.calls.append(f"on {which.name}")
            yield
            driver.calls.append(f"off {which.name}")

        asking, pools = Stream(), iter(["pool 1", "pool 2"])
        parts = {
            "Stream": Stream,
            "CUDAGraph": Graph,
            "stream": stream,
            "current_stream": lambda device: asking,
            "graph_pool_handle": lambda: next(pools),
            "synchronize": lambda device: driver.calls.append("synchronize"),
        }
        for name, part in parts.items():
            monkeypatch.setattr(torch.cuda, name, part)


def test_work_is_warmed_up_then_recorded_on_its_own_stream(monkeypatch):
    driver, enabled = Driver(monkeypatch), []

    def work():
        driver.calls.append("work")
        enabled.append(gc.isenabled())

    replay = GraphRecorder(DEVICE).record(work)
    assert driver.calls == [
        *("own waits for asking", "on own", "work", "work", "work"),
        *("begin in pool 1 thread_local", "work", "end", "off own", "asking waits for own"),
    ]
    assert enabled == [True, True, True, False]
    assert gc.isenabled()
    driver.calls.clear()
    replay()
    assert driver.calls == [
        *("own waits for asking", "on own", "replay", "off own", "asking waits for own"),
    ]


def test_a_broken_recording_is_ended_and_its_reason_told(monkeypatch):
    driver = Driver(monkeypatch)
    runs = []

    def work():
        runs.append(1)
        if len(runs) == 4:
            raise RuntimeError("not permitted while capturing")

    with pytest.raises(RuntimeError, match="not permitted"):
        GraphRecorder(DEVICE).record(work)
    assert "end" in driver.calls
    assert gc.isenabled()


def test_what_is_forgotten_is_done_before_its_memory_is_used_anew(monkeypatch):
    driver = Driver(monkeypatch)
    recorder = GraphRecorder(DEVICE)
    recorder.forget()
    recorder.record(lambda: None)
    assert driver.calls[0] == "synchronize"
    assert "begin in pool 2 thread_local" in driver.calls
