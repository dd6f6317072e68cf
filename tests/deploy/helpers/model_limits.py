"""How many paintings a server has places for."""

from __future__ import annotations

import yaml
from promql import CONFIG

from server_process import RUNNING


def places(device: str) -> int:
    """Paintings in the making, on `cpu` or `cuda`."""
    limits = yaml.safe_load((CONFIG / "model-config.yaml").read_text())["handler"]
    return int(limits["running"] or RUNNING[device])
