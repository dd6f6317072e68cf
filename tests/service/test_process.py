"""The watch: it goes on whatever fails, and ends a process whose device is lost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bruno_service import process


def test_no_exception_keeps_the_watch_from_its_next_round(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[str] = []
    engine = SimpleNamespace(lost=False)
    service: Any = SimpleNamespace(engine=engine)

    def fail() -> None:
        rounds.append("round")
        engine.lost = len(rounds) == 3
        raise RuntimeError("broken")

    monkeypatch.setattr(process.time, "sleep", lambda _: None)
    monkeypatch.setattr(process.os, "_exit", lambda code: rounds.append(f"exit {code}"))
    process._watch(service, fail)
    assert rounds == ["round"] * 3 + ["exit 1"]


def test_a_lost_device_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []
    service: Any = SimpleNamespace(engine=SimpleNamespace(lost=True))
    monkeypatch.setattr(process.time, "sleep", done.append)
    monkeypatch.setattr(process.os, "_exit", lambda code: done.append(("exit", code)))
    process._watch(service, lambda: None)
    assert done == [process.WATCH_SECONDS, ("exit", 1)]
