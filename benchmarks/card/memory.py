"""Freed memory filled with NaN, so that whoever reads what nobody wrote is found out."""

from __future__ import annotations

import torch

from card.device import Device


def poison_freed_memory(device: Device) -> int:
    """Fills all blocks that the allocator has freed and kept with NaN; how many bytes they were.

    Bytes of ones are NaN in every floating-point type, and no place as an index.
    """
    device.need_card()
    device.synchronize()
    mine = torch.cuda.current_stream().cuda_stream
    sizes = [
        int(block["size"])
        for segment in torch.cuda.memory_snapshot()  # type: ignore[no-untyped-call]
        # Graphs have pools of their own, which nobody else is given memory from.
        if segment["stream"] == mine and tuple(segment["segment_pool_id"]) == (0, 0)
        for block in segment["blocks"]
        if block["state"] == "inactive"
    ]
    held = []
    # Largest first, so that none is cut up for a smaller one.
    for size in sorted(sizes, reverse=True):
        block = torch.empty(size, dtype=torch.uint8, device=device.where)
        held.append(block.fill_(255))
    device.synchronize()
    return sum(sizes)
