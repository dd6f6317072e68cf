"""Small pictures and a real painter."""

from __future__ import annotations

from pathlib import Path

import pytest

from painter.engine.painter import Painter


@pytest.fixture(scope="session")
def painter(weights: Path) -> Painter:
    """The engine with the real weights, on the CPU."""
    return Painter(weights)
