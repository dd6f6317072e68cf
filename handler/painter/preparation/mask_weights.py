"""A mask on its way to the layers of the network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import torch
from torch import Tensor

from painter.canvas.layout import Shift, pad
from painter.canvas.masks import TapWeights, averaged, shrunk
from painter.device.sending import sent
from painter.pictures.picture import resize
from painter.planning.pyramid import Shape
from painter.preparation.pieces import Piece


class MaskWeights:
    """A mask [h, w] as weights of the positions of taps on a canvas [H, W], in each shift.

    Float16, since the finest are as large as the canvas. Without a mask there is nothing to do, and
    all positions count alike.
    """

    def __init__(
        self,
        mask: Tensor | None,
        shape: Shape,
        taps: Iterable[str],
        shifts: Sequence[Shift],
        device: torch.device,
    ) -> None:
        self._mask, self._shape, self._taps, self._device = mask, shape, taps, device
        self._by_shift: dict[Shift, TapWeights] = {shift: {} for shift in shifts}

    def pieces(self) -> list[Piece]:
        """Each tap is one: that of a large mask takes seconds."""
        return [] if self._mask is None else [partial(self._resize, self._mask)]

    def at(self, shift: Shift) -> TapWeights | None:
        """The weights in a shift, once all pieces are done; None where all count alike."""
        return None if self._mask is None else self._by_shift[shift]

    def _resize(self, mask: Tensor) -> list[Piece]:
        resized = resize(mask, self._shape)
        return [partial(self._weigh, resized, tap) for tap in self._taps]

    def _weigh(self, mask: Tensor, tap: str) -> None:
        less = shrunk(mask, tap, next(iter(self._by_shift)).seamless)
        for shift, by_tap in self._by_shift.items():
            at_tap = averaged(pad(less[None], shift)[0], tap)
            by_tap[tap] = sent(at_tap.to(torch.float16), self._device)
