"""How many paintings a server has places for."""

from __future__ import annotations

from typing import Any

import yaml
from promql import CONFIG

from torchserve_process import RUNNING


def places(device: str) -> int:
    """Paintings in the making, on `cpu` or `cuda`."""
    return int(_limits()["running"] or RUNNING[device])


def line() -> int:
    """Paintings that wait at a server."""
    return int(_limits()["waiting"])


def _limits() -> dict[str, Any]:
    limits: dict[str, Any] = yaml.safe_load((CONFIG / "model-config.yaml").read_text())["handler"]
    return limits
