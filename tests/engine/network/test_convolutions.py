"""Which convolution is taken, and that each is PyTorch's own, with autograd's input gradient."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from networks import given_convolution, noise, relatively_apart
from painter.device.compute import fastest_type
from painter.network.convolutions import BySize, OfColors, Packed, Plain, fastest_convolution
from painter.network.unfolded import Unfolded

needs_bfloat16 = pytest.mark.skipif(
    fastest_type(torch.device("cpu")) != torch.bfloat16,
    reason="this processor has no fast bfloat16",
)
CPU_KINDS = {
    (3, 64): OfColors,
    (64, 64): Packed,
    (64, 128): Packed,
    (128, 128): BySize,
    (128, 96): BySize,
    (256, 64): BySize,
    (512, 512): BySize,
}


@pytest.mark.parametrize(("channels", "kind"), CPU_KINDS.items(), ids=str)
def test_in_float32_the_channels_decide_which_convolution_is_the_fastest(channels, kind):
    weight, bias = torch.zeros(channels[1], channels[0], 3, 3), torch.zeros(channels[1])
    for dtype, expected in ((torch.float32, kind), (torch.float64, Plain)):
        assert type(fastest_convolution(weight, bias, dtype, dtype)) is expected


@needs_bfloat16
@pytest.mark.parametrize("channels", CPU_KINDS, ids=str)
def test_in_bfloat16_one_convolution_serves_all(channels):
    weight, bias = torch.zeros(channels[1], channels[0], 3, 3), torch.zeros(channels[1])
    for forward in (torch.float32, torch.bfloat16):
        assert type(fastest_convolution(weight, bias, forward, torch.bfloat16)) is Packed


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize(
    "size", [(1, 1, 1), (2, 1, 1), (1, 8, 12), (2, 8, 12), (1, 8, 13), (2, 17, 17)], ids=str
)
@pytest.mark.parametrize("channels", [(3, 64), (64, 32), (96, 128), (512, 128)], ids=str)
def test_it_is_the_convolution_with_the_gradient_of_autograd(channels, size, layout):
    batch, height, width = size
    x, weight, bias = given_convolution(batch, *channels, height, width)
    features = F.conv2d(x.requires_grad_(), weight, bias, padding=1)
    gradient = noise(*features.shape, seed=4) - 0.5
    features.backward(gradient)
    convolution = fastest_convolution(weight.float(), bias.float(), torch.float32, torch.float32)
    seen = x.detach().float().contiguous(memory_format=layout)
    for relu, expected in ((False, features), (True, features.relu())):
        assert relatively_apart(convolution(seen, relu=relu), expected.detach()) < 1e-5
    found = convolution.input_gradient(gradient.float().contiguous(memory_format=layout))
    assert relatively_apart(found, x.grad) < 1e-5


@pytest.mark.parametrize(
    ("outputs", "few", "many"),
    [(128, "Unfolded", "Winograd"), (512, "Winograd", "Winograd")],
    ids=["a small kernel", "a kernel too large to be kept twice"],
)
def test_few_tiles_are_convolved_without_transforms(monkeypatch, outputs, few, many):
    """Both ways: 8 x 13 px are 8 tiles of 4 x 4, and 8 x 12 px are 6."""
    asked = []

    class Kind(Plain):
        def __init__(self, name):
            self.name = name
            weight, bias = torch.zeros(outputs, 512, 3, 3), torch.zeros(outputs)
            super().__init__(weight, bias, torch.float32, torch.float32)

        def __call__(self, x, relu):
            asked.append(self.name)
            return super().__call__(x, relu)

        def input_gradient(self, gradient):
            asked.append(self.name)
            return super().input_gradient(gradient)

    for kind in ("Winograd", "Unfolded"):
        name = f"painter.network.convolutions.{kind}"
        monkeypatch.setattr(name, lambda *_, kind=kind: Kind(kind))
    convolution = BySize(torch.zeros(outputs, 512, 3, 3), torch.zeros(outputs))
    for height, width in ((8, 12), (28, 4), (8, 13), (4, 29), (1, 1), (30, 50)):
        convolution(torch.zeros(1, 512, height, width), relu=True)
        convolution.input_gradient(torch.zeros(1, outputs, height, width))
    assert asked == 4 * [few] + 4 * [many] + 2 * [few] + 2 * [many]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1), (0, 3, 1, 2), (3, 0, 1, 2)], ids=str)
@pytest.mark.parametrize(
    "size", [(1, 1, 3, 5, 7), (2, 5, 3, 4, 1), (1, 4, 4, 12, 9), (1, 2, 3, 1, 1)], ids=str
)
def test_unfolded_it_is_exact_however_features_lie_and_comes_channels_last(size, order):
    x, weight, bias = given_convolution(*size)
    features = F.conv2d(x.requires_grad_(), weight, bias, padding=1)
    gradient = noise(*features.shape, seed=4) - 0.5
    features.backward(gradient)
    convolution, seen = Unfolded(weight, bias), _in_order(x.detach(), order)
    for relu, expected in ((False, features), (True, features.relu())):
        found = convolution(seen, relu=relu)
        torch.testing.assert_close(found, expected.detach(), rtol=1e-12, atol=1e-12)
        assert found.is_contiguous(memory_format=torch.channels_last)
    found = convolution.input_gradient(_in_order(gradient, order))
    torch.testing.assert_close(found, x.grad, rtol=1e-12, atol=1e-12)
    assert found.is_contiguous(memory_format=torch.channels_last)


def _in_order(values, order):
    """The same values, their axes in such an order in memory."""
    back = sorted(range(4), key=order.__getitem__)
    return values.permute(order).contiguous().permute(back)
