"""Winograd's convolution against PyTorch's own, and its gradient against autograd."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from networks import given_convolution, noise, relatively_apart
from painter.network import winograd
from painter.network.winograd import Winograd

SHAPES = [(1, 3, 5, 4, 4), (2, 5, 3, 37, 41), (1, 4, 4, 1, 3), (1, 2, 7, 66, 130), (3, 1, 1, 5, 8)]


@pytest.fixture(params=["whole", "in strips"])
def strips(request, monkeypatch):
    if request.param == "in strips":
        monkeypatch.setattr(winograd, "_STRIP_BYTES", 1)
        monkeypatch.setattr(winograd, "_STRIP_TILES_LEAST", 1)


@pytest.mark.usefixtures("strips")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_is_the_convolution(shape):
    x, weight, bias = given_convolution(*shape)
    expected = F.conv2d(x, weight, bias, padding=1)
    convolution = Winograd(weight, bias)
    torch.testing.assert_close(convolution(x, relu=False), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(convolution(x, relu=True), expected.relu(), rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("strips")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_its_input_gradient_is_that_of_autograd(shape):
    x, weight, bias = given_convolution(*shape)
    y = F.conv2d(x.requires_grad_(), weight, bias, padding=1)
    gradient = noise(*y.shape, seed=4) - 0.5
    y.backward(gradient)
    found = Winograd(weight, bias).input_gradient(gradient)
    torch.testing.assert_close(found, x.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("channels", [64, 512])
def test_float32_rounds_little_more_than_a_plain_convolution(channels):
    given = given_convolution(1, channels, channels, 21, 34)
    exact = F.conv2d(*given, padding=1)
    x, weight, bias = (values.float() for values in given)
    convolution = Winograd(weight, bias)
    assert relatively_apart(convolution(x, relu=False), exact) < 5e-6
    adjoint = F.conv_transpose2d(exact, given[1], padding=1)
    assert relatively_apart(convolution.input_gradient(exact.float()), adjoint) < 5e-6


def test_what_comes_out_lies_channels_last():
    x, weight, bias = given_convolution(1, 3, 6, 10, 14)
    convolution = Winograd(weight, bias)
    for y in (convolution(x, relu=True), convolution.input_gradient(noise(1, 6, 10, 14))):
        assert y.is_contiguous(memory_format=torch.channels_last)
