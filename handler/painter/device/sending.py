"""Tensors on their way from the host to the device, which nobody waits for."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

_PINNED_MOST: Final = 2**26


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device: whatever is launched from now on, on the current stream, finds it.

    To copy it from memory that may be swapped out, the host would wait for all that was launched
    before; so it goes through memory that may not. PyTorch keeps that for the next ones, so what is
    large does not.
    """
    if device.type != "cuda" or tensor.is_cuda or tensor.nbytes > _PINNED_MOST:
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
