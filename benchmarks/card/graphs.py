"""Work captured as a CUDA graph, or the reason why it cannot be."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch

from card.device import Device

_WARM_UPS: Final = 3


class NotCapturable(Exception):
    """Work that reads from the device, or copies to it, while it runs."""


class CaptureBroke(Exception):
    """A capture that was begun and failed: the allocator of this process is not to be trusted."""


@dataclass(frozen=True)
class Graph:
    """A captured graph with what its work returned, which each replay writes anew."""

    graph: torch.cuda.CUDAGraph
    result: Any

    def replay(self) -> None:
        """Runs it once more, on the current stream."""
        self.graph.replay()


def captured(device: Device, work: Callable[[], Any]) -> Graph:
    """The work as a graph, after some runs that plan and warm up.

    Raises NeedsCard, NotCapturable where it waits for the device, which is found out without a
    capture, and CaptureBroke where the capture itself fails.
    """
    device.need_card()
    (stream,) = new_streams(1)
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(_WARM_UPS - 1):
            work()
        _check_never_waits(work)
    device.synchronize()
    graph = torch.cuda.CUDAGraph()
    # A collection in between could free what belongs to another graph, and break the capture.
    gc.disable()
    try:
        with torch.cuda.stream(stream):
            graph.capture_begin(capture_error_mode="thread_local")
            result = work()
            graph.capture_end()
    except Exception as error:
        raise CaptureBroke(f"{type(error).__name__}: {str(error).splitlines()[0]}") from error
    finally:
        gc.enable()
    device.synchronize()
    return Graph(graph, result)


def new_streams(count: int) -> list[torch.cuda.Stream]:
    """Streams other than the current one; there are 32 of them in turn."""
    return [torch.cuda.Stream() for _ in range(count)]  # type: ignore[no-untyped-call]


def _check_never_waits(work: Callable[[], Any]) -> None:
    torch.cuda.set_sync_debug_mode("error")
    try:
        work()
    except RuntimeError as error:
        if "synchroniz" not in str(error):
            raise
        raise NotCapturable(f"it waits for the device ({_line_of(error)})") from error
    finally:
        torch.cuda.set_sync_debug_mode("default")


def _line_of(error: BaseException) -> str:
    """The innermost line of Python where it was raised."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    if frame is None:
        return "somewhere"
    code = frame.tb_frame.f_code
    return f"{code.co_filename.rpartition('/')[2]}, line {frame.tb_lineno}, in {code.co_name}"
