"""The guess at the inverse Hessian: what it must be whatever it saw, and what it finds."""

from __future__ import annotations

import pytest
import torch

from networks import noise
from painter.optimizers import curvature as curvature_module
from painter.optimizers.curvature import Curvature

SHAPES = [(3, 16, 24), (3, 15, 9), (3, 1, 7), (1, 1, 1), (2, 5, 1)]


def _dot(one, other):
    return (one * other).sum()


def _learned(shape, pairs=3):
    """What was learned from pairs whose products are positive, and the last pair."""
    curvature = Curvature(torch.zeros(shape, dtype=torch.float64))
    for seed in range(pairs):
        step = noise(*shape, seed=seed) - 0.4
        change = step * (noise(*shape, seed=seed + 9) + 0.1)
        curvature.learn(step, change, _dot(step, change))
    return curvature, step, change


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_is_symmetric_and_positive(shape):
    curvature, *_ = _learned(shape)
    one, other = noise(*shape, seed=20) - 0.5, noise(*shape, seed=21) - 0.5
    crossed = _dot(one, curvature.inverse_times(other))
    assert float(crossed) == pytest.approx(
        float(_dot(other, curvature.inverse_times(one))), rel=1e-9
    )
    assert _dot(one, curvature.inverse_times(one)) > 0


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_is_scaled_to_the_newest_pair(shape):
    curvature, step, change = _learned(shape)
    along = _dot(change, curvature.inverse_times(change))
    assert float(along) == pytest.approx(float(_dot(step, change)), rel=1e-9)


def test_it_changes_nothing_before_it_saw_a_pair():
    vector = noise(3, 8, 6) - 0.5
    found = Curvature(torch.zeros_like(vector)).inverse_times(vector)
    torch.testing.assert_close(found, vector)


@pytest.mark.parametrize("length", [1, 5, 9, 40])
def test_averages_by_pooling_are_those_of_running_sums(length):
    maps = noise(2, 6, length)
    pooled = curvature_module._pooled(maps)
    torch.testing.assert_close(pooled, curvature_module._averaged(maps), rtol=1e-12, atol=0)


def test_a_pair_that_does_not_count_changes_nothing():
    curvature, *_ = _learned((3, 16, 24))
    vector = noise(3, 16, 24, seed=30)
    before = curvature.inverse_times(vector)
    curvature.learn(noise(3, 16, 24, seed=31), noise(3, 16, 24, seed=32), torch.zeros(()).double())
    torch.testing.assert_close(curvature.inverse_times(vector), before)


def test_what_does_not_move_is_no_bar():
    step = torch.zeros(3, 32, 32, dtype=torch.float64)
    step[0, :16] = noise(16, 32) - 0.5
    curvature = Curvature(step)
    curvature.learn(step, 4 * step, 4 * _dot(step, step))
    found = curvature.inverse_times(noise(3, 32, 32, seed=1) - 0.5)
    assert torch.isfinite(found).all()


def test_places_and_frequencies_that_curve_more_are_told_apart():
    shape = (3, 32, 32)
    place = torch.ones(32, 32, dtype=torch.float64)
    place[:, 16:] = 5
    curvature = Curvature(place.expand(shape))
    for seed in range(5):
        step = noise(*shape, seed=seed) - 0.5
        change = step * place
        curvature.learn(step, change, _dot(step, change))
    left, right = torch.zeros(shape).double(), torch.zeros(shape).double()
    left[:, 8:24, 4:8], right[:, 8:24, 24:28] = 1, 1
    by_place = [_dot(x, curvature.inverse_times(x)) for x in (left, right)]
    assert by_place[0] / by_place[1] == pytest.approx(5, rel=0.3)


def test_broad_and_fine_forms_that_curve_differently_are_told_apart():
    shape = (3, 32, 32)
    frequencies = torch.hypot(torch.fft.fftfreq(32)[:, None], torch.fft.rfftfreq(32)).double()
    curvature = Curvature(torch.zeros(shape, dtype=torch.float64))
    for seed in range(5):
        step = noise(*shape, seed=seed) - 0.5
        change = torch.fft.irfft2(torch.fft.rfft2(step) * (0.05 + frequencies), s=shape[1:])
        curvature.learn(step, change, _dot(step, change))
    waves = [torch.cos(2 * torch.pi / 32 * count * torch.arange(32)).double() for count in (1, 16)]
    broad, fine = (wave.expand(shape) for wave in waves)
    by_form = [_dot(x, curvature.inverse_times(x)) / _dot(x, x) for x in (broad, fine)]
    assert by_form[0] / by_form[1] == pytest.approx((0.05 + 1 / 2) / (0.05 + 1 / 32), rel=0.4)
