"""What memory a device has, and how freed memory of the host is kept."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Final

import psutil
import torch

_CGROUP_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
# Of what is there: the rest is for weights' copies, pictures on their way and the allocator.
_USABLE: Final = 0.8
# Parameters of glibc's mallopt(3): how much free memory is kept, as much as it takes; and from
# where on a block that fits nowhere is mapped on its own. Larger values only fragment the heap.
_TRIM_THRESHOLD: Final = -1
_TRIM_BYTES: Final = 2**31 - 1
_MMAP_THRESHOLD: Final = -3
_MMAP_BYTES: Final = 2**25


def keep_freed_memory() -> None:
    """Has this process keep what an evaluation frees for the next one, where it runs on glibc.

    Blocks of megabytes would go back to the system at once, and come back page by page: that
    took an eighth of an evaluation's time.
    """
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_MMAP_THRESHOLD, _MMAP_BYTES)
        libc.mallopt(_TRIM_THRESHOLD, _TRIM_BYTES)


def give_back_memory() -> None:
    """Gives freed memory back to the system, where nothing is painted for now."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") else None


def bytes_usable(device: torch.device) -> int:
    """The bytes that paintings may take together on a device, measured now."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0] * _USABLE)
    limits = [int(path.read_text()) for path in _CGROUP_LIMITS if _is_number(path)]
    return int(min(psutil.virtual_memory().available, *limits, 2**62) * _USABLE)


def _is_number(path: Path) -> bool:
    return path.is_file() and path.read_text().strip().isdigit()
