"""The condensed network: what it computes, and how near it is to the whole one."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from networks import noise, random_checkpoint
from painter.network import condensed
from painter.network.condensed import DEEPEST, SHARES, as_tensors, responses_of
from painter.network.layers import CONVOLUTION_NAMES, LAYER_NAMES, depth_of
from painter.network.pass_config import PassConfig
from painter.network.usual_pictures import COUNT, usual_pictures
from painter.network.vgg import VGG19
from painter.network.weights import CONVOLUTIONS, load_checkpoint
from painter.pictures.picture import decode

CPU = torch.device("cpu")
EXAMPLES = Path(__file__).parents[3] / "examples"
TAPS = frozenset(LAYER_NAMES)


def _seen(vgg: VGG19, pixels: Tensor, config: PassConfig) -> tuple[dict[str, Tensor], Tensor]:
    """Features, and the gradient of half the sum of their squares."""
    trace = vgg.trace(pixels, config)
    taps = {tap: values.clone() for tap, values in trace.taps.items()}
    return taps, vgg.gradient(trace, config, {tap: taps[tap].clone() for tap in config.taps})


@pytest.fixture(scope="module")
def responses():
    """What the random network responds with."""
    config = PassConfig(frozenset(CONVOLUTION_NAMES[: depth_of(DEEPEST)]), "max", torch.float64)
    vgg = VGG19(random_checkpoint(), CPU, torch.float64)
    return responses_of(vgg.trace(each[None], config).taps for each in usual_pictures())


def _projected(responses):
    """The checkpoint whose kernels are those of the condensed network, multiplied out."""
    checkpoint = random_checkpoint()
    tensors = {name: tensor.double() for name, tensor in checkpoint.tensors.items()}
    for name, position in zip(CONVOLUTION_NAMES, CONVOLUTIONS, strict=True):
        if name in SHARES:
            weight, bias = (f"features.{position}.{kind}" for kind in ("weight", "bias"))
            mean = responses[name].mean
            rank = math.ceil(len(mean) * SHARES[name])
            vectors = torch.linalg.svd(responses[name].covariance).U[:, :rank]
            onto = vectors @ vectors.T
            tensors[weight] = torch.einsum("op,pikl->oikl", onto, tensors[weight])
            tensors[bias] = onto @ (tensors[bias] - mean) + mean
    return replace(checkpoint, tensors=tensors)


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_it_is_the_network_of_projected_kernels(pooling, responses):
    pixels, config = noise(2, 3, 50, 67), PassConfig(TAPS, pooling, torch.float64)
    expected = _seen(VGG19(_projected(responses), CPU, torch.float64), pixels, config)
    vgg = VGG19(random_checkpoint(), CPU, torch.float64)
    found = _seen(vgg, pixels, replace(config, is_condensed=True))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_subspaces_that_a_checkpoint_brings_are_those_that_would_be_made():
    made = VGG19(random_checkpoint(), CPU, torch.float32)
    subspaces = as_tensors(made.subspaces(torch.float32))
    brought = VGG19(replace(random_checkpoint(), subspaces=subspaces), CPU, torch.float32)
    pixels, config = noise(1, 3, 48, 64).float(), PassConfig(TAPS, "max", torch.float32, True)
    found, expected = (_seen(each, pixels, config) for each in (brought, made))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_subspaces_of_other_shares_are_made_anew(monkeypatch):
    subspaces = as_tensors(VGG19(random_checkpoint(), CPU, torch.float32).subspaces(torch.float32))
    monkeypatch.setattr(condensed, "SHARES", dict.fromkeys(SHARES, 1.0))
    vgg = VGG19(replace(random_checkpoint(), subspaces=subspaces), CPU, torch.float32)
    pixels, config = noise(1, 3, 48, 64).float(), PassConfig(TAPS, "max", torch.float32)
    found = _seen(vgg, pixels, replace(config, is_condensed=True))
    torch.testing.assert_close(found, _seen(vgg, pixels, config), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_with_all_dimensions_it_is_the_whole_network(dtype, monkeypatch):
    monkeypatch.setattr(condensed, "SHARES", dict.fromkeys(SHARES, 1.0))
    vgg = VGG19(random_checkpoint(), CPU, dtype)
    pixels, config = noise(1, 3, 48, 64).to(dtype), PassConfig(TAPS, "max", dtype)
    found = _seen(vgg, pixels, replace(config, is_condensed=True))
    torch.testing.assert_close(found, _seen(vgg, pixels, config), rtol=1e-3, atol=1e-4)


def test_its_making_changes_nothing_of_the_whole_network():
    vgg = VGG19(random_checkpoint(), CPU, torch.float32)
    pixels, config = noise(1, 3, 48, 64).float(), PassConfig(TAPS, "max", torch.float32)
    before = _seen(vgg, pixels, config)
    vgg.trace(pixels, replace(config, is_condensed=True))
    torch.testing.assert_close(_seen(vgg, pixels, config), before, rtol=0, atol=0)


def test_responses_are_of_all_positions_alike():
    pictures = [{"conv1_1": noise(1, 5, 6, 7)}, {"conv1_1": noise(1, 5, 3, 11, seed=1)}]
    both = torch.cat([each["conv1_1"][0].flatten(1) for each in pictures], 1)
    found = responses_of(pictures)["conv1_1"]
    torch.testing.assert_close(found.mean, both.mean(1), rtol=1e-6, atol=1e-6)
    expected = torch.cov(both, correction=0)
    torch.testing.assert_close(found.covariance, expected, rtol=1e-5, atol=1e-5)


def test_usual_pictures_are_pictures_and_always_the_same():
    one, other = (torch.stack(list(usual_pictures())) for _ in range(2))
    assert one.shape[:2] == (COUNT, 3)
    assert torch.equal(one, other)
    assert 0 <= float(one.min()) < 0.05 < 0.95 < float(one.max()) <= 1
    assert float((one[0] - one[1]).abs().mean()) > 0.1


def test_the_real_one_is_near_the_whole_and_half_as_large(weights):
    vgg = VGG19(load_checkpoint(weights), CPU, torch.float32)
    config = PassConfig(frozenset(["conv3_1", "conv4_1", DEEPEST]), "max", torch.float32)
    pixels = decode((EXAMPLES / "photo.jpg").read_bytes(), "content").pixels[None, :, :192, :256]
    (whole, gradient), (cheap, other) = (
        _seen(vgg, pixels, replace(config, is_condensed=is_condensed))
        for is_condensed in (False, True)
    )
    for tap, features in whole.items():
        apart = float((features - cheap[tap]).norm() / features.norm())
        assert 0.001 < apart < 0.5, tap
    assert torch.cosine_similarity(gradient.flatten(), other.flatten(), 0) > 0.75
    channels = {name: vgg._weights[index][0].shape for index, name in enumerate(CONVOLUTION_NAMES)}
    products = {
        name: (9 * inputs * outputs, SHARES.get(name, 1) * outputs * (9 * inputs + outputs))
        for name, (outputs, inputs, *_) in channels.items()
        if name in SHARES
    }
    whole_products, few_products = map(sum, zip(*products.values(), strict=True))
    assert few_products < 0.45 * whole_products
