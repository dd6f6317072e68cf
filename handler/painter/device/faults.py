"""What an exception of the machine means: a full memory, a lost device, or a defect of ours."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, TypeVar

import torch

from painter.errors import Internal, OutOfMemory, PaintError

# How allocators, CUDA and its libraries say that an allocation failed, where they have no class
# of exception for it. It leaves the device as it was.
_OUT_OF_HOST_MEMORY: Final = ("can't allocate memory", "std::bad_alloc")
_OUT_OF_MEMORY: Final = (
    *_OUT_OF_HOST_MEMORY,
    "out of memory",
    "STATUS_ALLOC_FAILED",
    "STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
    "STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "CUFFT_ALLOC_FAILED",
    # PyTorch tries one way to convolve after the other, and goes on where one finds no memory.
    "was unable to find an engine to execute this computation",
)

# The ledger had room: what others of the machine have taken may be back by then.
_RETRY_SECONDS: Final = 10

_log = logging.getLogger(__name__)

T = TypeVar("T")


class DeviceLost(Exception):
    """The device answers no more; only a new process can use it again."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether an allocation failed, on the host or on the device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return _says(error, _OUT_OF_MEMORY)


def raise_if_lost(error: Exception) -> None:
    """Raises DeviceLost for a CUDA error that stays with the process: no kernel runs again."""
    if isinstance(error, DeviceLost):
        raise error
    if isinstance(error, torch.AcceleratorError) and not is_out_of_memory(error):
        raise DeviceLost(str(error).splitlines()[0]) from error


def caught(work: Callable[[], T]) -> T | Exception:
    """What work gives, or why it failed; raises DeviceLost.

    Where memory ran out, all that the work had is let go of, so that something else may be tried.
    """
    try:
        return work()
    except Exception as error:
        raise_if_lost(error)
        return without_frames(error) if is_out_of_memory(error) else error


def without_frames(error: Exception) -> Exception:
    """The same error, without the frames that hold the tensors of what has failed."""
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return error


def as_paint_error(error: Exception) -> PaintError:
    """What a painting is told: out of memory as such, all else as a defect of ours.

    Out of the host's memory has a hint when to try again.
    """
    if isinstance(error, PaintError):
        return error
    if is_out_of_memory(error):
        failure = OutOfMemory(
            "out_of_memory", "the device ran out of memory; a smaller size may fit", "size"
        )
        if isinstance(error, MemoryError) or _says(error, _OUT_OF_HOST_MEMORY):
            failure.retry_after = _RETRY_SECONDS
        return failure
    _log.error("a painting failed", exc_info=error)
    return Internal("internal", f"the painting failed: {type(error).__name__}")


def _says(error: Exception, texts: tuple[str, ...]) -> bool:
    return isinstance(error, RuntimeError) and any(text in str(error) for text in texts)
