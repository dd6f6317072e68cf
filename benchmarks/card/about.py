"""What a run was made on: card, versions, weights, commit."""

from __future__ import annotations

import datetime
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import torch

from card.device import Device
from painter.network.weights import load_checkpoint
from pairs import ROOT

_PROC_DRIVER = Path("/proc/driver/nvidia/version")


def about(device: Device, weights: Path) -> dict[str, Any]:
    """Names and versions; those of a card where it is one."""
    found: dict[str, Any] = {
        "card": "CPU",
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "commit": _commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "weights": load_checkpoint(weights).source,
    }
    if device.is_card:
        properties = torch.cuda.get_device_properties(device.where)
        found |= {
            "card": properties.name,
            "multiprocessors": properties.multi_processor_count,
            "memory": properties.total_memory,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
            "driver": _driver(),
        }
    return found


def _commit() -> str:
    """The commit, with a + where files differ from it; empty where git or its folder is missing."""
    head = _said("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
    changed = _said("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no")
    return head + "+" if head and changed else head


def _driver() -> str:
    said = _said("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    if said:
        return said.splitlines()[0]
    try:
        return _PROC_DRIVER.read_text().splitlines()[0]
    except OSError:
        return "unknown"


def _said(*command: str) -> str:
    """What a program prints; nothing where it is missing or fails."""
    program = shutil.which(command[0])
    if program is None:
        return ""
    try:
        run = subprocess.run(  # noqa: S603
            [program, *command[1:]], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return run.stdout.strip()
