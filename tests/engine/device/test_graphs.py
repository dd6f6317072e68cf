"""CUDA graphs, as far as they can be seen without a device: the order of calls, and failures."""

from __future__ import annotations

import gc

import pytest
import torch

from painter.device.graphs import GraphRecorder

DEVICE = torch.device("cuda", 0)


class Driver:
    """What a recorder asks of PyTorch, in order."""

    def __init__(self, monkeypatch):
        self.calls = []
        driver = self

        class Graph:
            def capture_begin(self, pool, capture_error_mode):
                driver.calls.append(f"begin in {pool} {capture_error_mode}")

            def capture_end(self):
                driver.calls.append("end")

            def replay(self):
                driver.calls.append("replay")

        pools = iter(["pool 1", "pool 2"])
        parts = {
            "CUDAGraph": Graph,
            "graph_pool_handle": lambda: next(pools),
            "synchronize": lambda device: driver.calls.append("synchronize"),
            "set_sync_debug_mode": lambda mode: driver.calls.append(f"waiting: {mode}"),
        }
        for name, part in parts.items():
            monkeypatch.setattr(torch.cuda, name, part)


def test_work_is_looked_at_for_waits_then_recorded(monkeypatch):
    driver, enabled = Driver(monkeypatch), []

    def work():
        driver.calls.append("work")
        enabled.append(gc.isenabled())

    replay = GraphRecorder(DEVICE).record(work)
    recorded = [
        *("waiting: error", "work", "waiting: default"),
        *("begin in pool 1 thread_local", "work", "end"),
    ]
    assert driver.calls == recorded
    assert enabled == [True, False]
    assert gc.isenabled()
    replay()
    assert driver.calls == [*recorded, "replay"]


def test_a_broken_recording_is_ended_and_its_reason_told(monkeypatch):
    driver = Driver(monkeypatch)
    runs = []

    def work():
        runs.append(1)
        if len(runs) == 2:
            raise RuntimeError("not permitted while capturing")

    with pytest.raises(RuntimeError, match="not permitted"):
        GraphRecorder(DEVICE).record(work)
    assert "end" in driver.calls
    assert gc.isenabled()


def test_work_that_waits_is_found_before_anything_is_recorded(monkeypatch):
    driver = Driver(monkeypatch)

    def work():
        if driver.calls:
            raise RuntimeError("called a synchronizing CUDA operation")

    with pytest.raises(RuntimeError, match="synchronizing"):
        GraphRecorder(DEVICE).record(work)
    assert driver.calls == ["waiting: error", "waiting: default"]


def test_what_is_forgotten_is_done_before_its_memory_is_used_anew(monkeypatch):
    driver = Driver(monkeypatch)
    recorder = GraphRecorder(DEVICE)
    recorder.forget()
    recorder.record(lambda: None)
    assert driver.calls[0] == "synchronize"
    assert "begin in pool 2 thread_local" in driver.calls
