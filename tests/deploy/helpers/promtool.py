"""Prometheus's own judge of metrics and rules."""

from __future__ import annotations

import subprocess
from pathlib import Path

from programs import needs

needs_promtool = needs("promtool")


def complaints(text: str) -> list[str]:
    """What promtool has to say of metrics; raises AssertionError where it cannot read them."""
    done = _run("check", "metrics", text=text)
    assert done.returncode in (0, 3), done.stderr  # 3 where it can read them, and finds fault
    return done.stderr.splitlines()


def judge(*words: str | Path) -> tuple[int, str]:
    """The exit code of promtool, and what it has to say."""
    done = _run(*map(str, words))
    return done.returncode, done.stdout + done.stderr


def _run(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["promtool", *words],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
