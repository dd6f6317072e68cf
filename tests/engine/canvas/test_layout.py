"""What is seen beyond a canvas's edges, and the gradient of it."""

from __future__ import annotations

import pytest
import torch

from networks import noise
from painter.canvas.layout import MARGIN, Shift, pad, padded_part, unpad_gradient

SIDES = [(False, False), (True, False), (False, True), (True, True)]
SHIFTS = [
    Shift(top, left, seamless, turned)
    for seamless in SIDES
    for top, left, turned in ((8, 8, 0.0), (1, 13, 0.5), (16, 0, 0.25))
]


def _naive(canvas, shift):
    """Pixel by pixel."""
    height, width = canvas.shape[-2:]

    def place(at, before, length, goes_on):
        if goes_on:
            return (at - before - round(shift.turned * length)) % length
        at = abs(at - before)
        return at if at < length else 2 * (length - 1) - at

    down = [place(y, shift.top, height, shift.seamless[0]) for y in range(height + MARGIN)]
    across = [place(x, shift.left, width, shift.seamless[1]) for x in range(width + MARGIN)]
    return canvas[:, down][:, :, across]


@pytest.mark.parametrize("shift", SHIFTS, ids=str)
def test_the_margin_is_a_reflection_or_the_other_side(shift):
    canvas = noise(3, 40, 33)
    expected = _naive(canvas, shift)
    assert torch.equal(pad(canvas, shift), expected)
    part = padded_part(canvas, shift, (5, 50), (16, 49))
    assert torch.equal(part, expected[:, 5:50, 16:49])


@pytest.mark.parametrize("shift", SHIFTS, ids=str)
def test_the_gradient_is_that_of_autograd(shift):
    canvas = noise(3, 40, 33).requires_grad_()
    pull = noise(3, 40 + MARGIN, 33 + MARGIN, seed=1)
    (_naive(canvas, shift) * pull).sum().backward()
    torch.testing.assert_close(unpad_gradient(pull, shift), canvas.grad)


def test_a_turned_canvas_is_seen_elsewhere_and_nothing_else_changes():
    canvas = noise(3, 48, 64)
    turned = pad(canvas, Shift(8, 8, (True, True), 0.5))
    assert torch.equal(turned, pad(canvas.roll((24, 32), (1, 2)), Shift(8, 8, (True, True))))
