"""Tensors on their way from the host to the device, which nobody waits for."""

from __future__ import annotations

import torch
from torch import Tensor


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device: whatever is launched from now on, on the current stream, finds it.

    To copy it from memory that may be swapped out, the host would wait for all that was launched
    before; so it goes through memory that may not.
    """
    if device.type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
