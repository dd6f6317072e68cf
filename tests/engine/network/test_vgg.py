"""The extractor against plain convolutions and autograd."""

from __future__ import annotations

import pytest
import torch

from networks import CAFFE, TORCHVISION, noise, random_checkpoint, reference_features
from painter.device.compute import fastest_type
from painter.network.layers import LAYER_NAMES, receptive_radius, stride_of
from painter.network.pass_config import PassConfig
from painter.network.vgg import VGG19

CPU = torch.device("cpu")


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize("convention", [CAFFE, TORCHVISION], ids=["caffe", "torchvision"])
def test_features_are_those_of_the_network_borders_included(pooling, convention):
    checkpoint = random_checkpoint(input=convention)
    pixels = noise(2, 3, 50, 67)
    config = PassConfig(frozenset(LAYER_NAMES), pooling, torch.float64)
    taps = VGG19(checkpoint, CPU, torch.float64).trace(pixels, config).taps
    for name, expected in reference_features(checkpoint, pixels, pooling).items():
        torch.testing.assert_close(taps[name], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize(
    "names",
    [["conv1_1"], ["relu1_1", "conv3_2"], ["conv2_2", "relu2_2", "conv5_1"], list(LAYER_NAMES)],
    ids=len,
)
def test_pixel_gradient_is_that_of_autograd(pooling, names):
    checkpoint = random_checkpoint()
    pixels = noise(2, 3, 50, 67).requires_grad_()
    features = reference_features(checkpoint, pixels, pooling)
    at_taps = {
        name: noise(*features[name].shape, seed=index) - 0.5 for index, name in enumerate(names)
    }
    sum((features[name] * at_taps[name]).sum() for name in names).backward()
    config = PassConfig(frozenset(names), pooling, torch.float64)
    vgg = VGG19(checkpoint, CPU, torch.float64)
    found = vgg.gradient(vgg.trace(pixels.detach(), config), config, at_taps)
    torch.testing.assert_close(found, pixels.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("width", [32, 128])
@pytest.mark.parametrize(
    ("dtype", "bound"),
    [
        (torch.float32, 1e-5),
        pytest.param(
            torch.bfloat16,
            0.05,
            marks=pytest.mark.skipif(
                fastest_type(CPU) != torch.bfloat16, reason="this processor has no fast bfloat16"
            ),
        ),
    ],
)
def test_fast_types_stay_close_to_float64(dtype, bound, width):
    checkpoint = random_checkpoint(width)
    pixels = noise(1, 3, 64, 48).requires_grad_()
    features = reference_features(checkpoint, pixels)["conv3_1"]
    (features.square().sum() / 2).backward()
    config = PassConfig(frozenset(["conv3_1"]), "max", dtype)
    vgg = VGG19(checkpoint, CPU, dtype)
    trace = vgg.trace(pixels.detach().float(), config)
    kept = trace.taps["conv3_1"]
    assert _relative(kept, features) < bound
    gradient = vgg.gradient(trace, config, {"conv3_1": kept})
    assert gradient.dtype == torch.float32
    assert _relative(gradient, pixels.grad) < 3 * bound


@pytest.mark.parametrize("tap", ["conv1_1", "relu2_2", "conv3_1", "conv4_2"])
def test_receptive_radius_is_what_a_position_sees_beyond_its_cell(tap):
    checkpoint = random_checkpoint(width=3)
    pixels = noise(1, 3, 160, 160).requires_grad_()
    stride = stride_of(tap)
    middle = 80 // stride
    reference_features(checkpoint, pixels, "average")[tap][
        0, :, middle, middle
    ].abs().sum().backward()
    seen = pixels.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    first, last = middle * stride, (middle + 1) * stride - 1
    reach = max(first - int(seen.min()), int(seen.max()) - last)
    assert reach <= receptive_radius(tap)
    assert reach >= receptive_radius(tap) // 2


def _relative(found, expected):
    return float((found.double() - expected.detach()).norm() / expected.detach().norm())
