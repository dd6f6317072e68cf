"""Total variation: how much neighboring pixels differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor

from painter.device.fusing import Fused

# Differences of neighboring pixels are taken in bands of about so many.
_BAND_PIXELS: Final = 2**18


def variation(
    canvas: Tensor,
    gradient: Tensor | None = None,
    weight: Tensor | float = 1.0,
    seamless: tuple[bool, bool] = (False, False),
) -> Tensor:
    """Squared differences of neighboring pixels [3, H, W], per pixel.

    Where it is seamless, downwards or to the right, the last pixels are neighbors of the first.
    What its gradient is, times a weight, is added to a gradient [3, H, W] that is given.
    """
    if isinstance(weight, Tensor):
        found: Tensor = VARIATION(canvas, gradient, weight, *seamless)
        return found
    return _variation(canvas, gradient, weight, *seamless)


def _variation(
    canvas: Tensor, gradient: Tensor | None, weight: Tensor | float, down: bool, across: bool
) -> Tensor:
    pixels = canvas.shape[-2] * canvas.shape[-1]
    scale = 2 * weight / pixels
    sums = []
    for first, below, right in _differences(canvas):
        sums += [below.square().sum(), right.square().sum()]
        if gradient is not None:
            below.mul_(scale)
            gradient[:, first + 1 : first + 1 + below.shape[1]].add_(below)
            gradient[:, first : first + below.shape[1]].sub_(below)
            right.mul_(scale)
            rows = gradient[:, first : first + right.shape[1]]
            rows[:, :, 1:].add_(right)
            rows[:, :, :-1].sub_(right)
    for dim in (dim for dim, goes_on in ((-2, down), (-1, across)) if goes_on):
        ends = canvas.narrow(dim, 0, 1) - canvas.narrow(dim, -1, 1)
        sums.append(ends.square().sum())
        if gradient is not None:
            ends.mul_(scale)
            gradient.narrow(dim, 0, 1).add_(ends)
            gradient.narrow(dim, -1, 1).sub_(ends)
    return torch.stack(sums).sum() / pixels


def _differences(canvas: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Band by band, for a large canvas's sake: its first row, differences down and right."""
    rows = max(1, _BAND_PIXELS // canvas.shape[2])
    for first in range(0, canvas.shape[1], rows):
        band = canvas[:, first : first + rows + 1]
        inner = band[:, :rows]
        yield first, band[:, 1:] - band[:, :-1], inner[:, :, 1:] - inner[:, :, :-1]


def _launch(
    canvas: Tensor, gradient: Tensor | None, weight: Tensor, down: bool, across: bool
) -> Tensor:
    from painter.losses import kernels

    channels, height, width = canvas.shape
    programs, block = -(-height * width // kernels.CANVAS_BLOCK), kernels.CANVAS_BLOCK
    losses = torch.empty(channels, programs, device=canvas.device)
    onto = canvas if gradient is None else gradient
    given = (canvas.contiguous(), onto, weight, losses, height, width, *onto.stride())
    kernels.variation[(programs, channels)](*given, down, across, gradient is not None, block)
    return losses.sum()


def _shape(
    canvas: Tensor, gradient: Tensor | None, weight: Tensor, down: bool, across: bool
) -> Tensor:
    return torch.empty((), device=canvas.device)


def _samples(
    device: torch.device, dtype: torch.dtype
) -> Iterator[tuple[Tensor, Tensor | None, Tensor, bool, bool]]:
    """Canvases are in float32 whatever the trunk is in."""
    weight = torch.full((), 3.0, device=device, dtype=torch.float64)
    canvas = torch.rand(3, 37, 43, device=device)
    for gradient, down, across in (
        (torch.randn_like(canvas), False, False),
        (torch.randn(37, 43, 3, device=device).permute(2, 0, 1), True, True),
        (None, False, True),
    ):
        yield canvas, gradient, weight, down, across


VARIATION: Final = Fused(
    "variation(Tensor canvas, Tensor(a!)? gradient, Tensor weight, bool down, bool across)"
    " -> Tensor",
    _variation,
    _launch,
    _shape,
    _samples,
    kernels=2,
    changes=lambda canvas, gradient, *others: gradient,
)
