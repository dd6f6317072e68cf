"""What computes: which device, in which type it is fastest, its threads and its streams."""

from __future__ import annotations

import torch


class DeviceMissing(Exception):
    """The device that was asked for is not there."""


def usable_device(name: str) -> torch.device:
    """The device of a name, `cpu` or `cuda`; raises DeviceMissing where there is none."""
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceMissing("DEVICE=cuda was asked for, but PyTorch finds no CUDA device here")
    if name == "cuda":
        # Convolutions round float32 to TF32 else, and L-BFGS compares losses closer than that.
        torch.backends.cudnn.allow_tf32 = False
    return torch.device(name)


def fastest_type(device: torch.device) -> torch.dtype:
    """bfloat16 where the device multiplies it faster than float32, else float32."""
    if device.type == "cuda":
        # Cards without bfloat16 units would emulate it, slower than float32.
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if fast else torch.float32
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if fast else torch.float32


def have_team(threads: int) -> None:
    """Has the calling thread compute with so many threads, itself included.

    OpenMP gives each thread that computes a team of its own. Where there are more threads than
    cores, all of them sleep at every barrier, and each painting takes a fifth longer: so the
    engine's thread alone has a team, and whatever gains from one happens there.
    """
    torch.set_num_threads(threads)
    # A thread that asks for the first time takes over what another one has set last.
    torch.get_num_threads()


def wait_for_all_streams(device: torch.device) -> None:
    """What was just made on a device is to be used on any of its streams from now on."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
