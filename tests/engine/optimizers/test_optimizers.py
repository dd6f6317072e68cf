"""The optimizers: closed forms, the box, and what is not finite."""

from __future__ import annotations

import math

import pytest
import torch

from networks import noise
from painter.optimizers import adam, lbfgs
from painter.optimizers.adam import CHANNEL_RATE, Adam
from painter.optimizers.catalog import OPTIMIZERS
from painter.optimizers.lbfgs import LBFGS
from painter.optimizers.moments import MOMENTUM
from painter.optimizers.optimizer import UNSOUND_MOST
from painter.options.catalog import SPECS


def _quadratic(seed=0, shape=(3, 4, 5)):
    """A convex quadratic whose minimum within the box is known: it is separable."""
    curvature = noise(*shape, seed=seed) * 20 + 0.5
    center = noise(*shape, seed=seed + 1) * 2 - 0.5
    best = center.clamp(0, 1)

    def loss(x):
        return float((curvature * (x - center).square()).sum() / 2), curvature * (x - center)

    return loss, best


def _told(optimizer, loss, gradient):
    """An evaluation as the optimizer is told of it; it uses up the gradient."""
    return optimizer.tell(torch.as_tensor(loss, dtype=torch.float64), gradient.clone())


def _run(optimizer, loss, steps):
    for _ in range(steps):
        canvas = optimizer.canvas
        assert float(canvas.min()) >= 0
        assert float(canvas.max()) <= 1
        if not _told(optimizer, *loss(canvas)):
            break
    return optimizer.canvas


def test_adam_takes_the_steps_of_the_paper(monkeypatch):
    monkeypatch.setattr(adam, "CHANNEL_RATE", 0.0)
    canvas = torch.full((3, 4, 5), 0.5, dtype=torch.float64)
    optimizer = Adam(canvas, 0.01)
    reference = canvas.clone().requires_grad_()
    decay, square_decay = MOMENTUM
    torch_adam = torch.optim.Adam([reference], lr=0.01, betas=(decay, square_decay), eps=1e-3 / 20)
    for seed in range(5):
        gradient = noise(3, 4, 5, seed=seed) - 0.5
        reference.grad = gradient.clone()
        torch_adam.step()
        assert _told(optimizer, 1.0, gradient)
    torch.testing.assert_close(optimizer.canvas, reference.detach(), rtol=1e-7, atol=1e-9)


def test_channels_move_by_steps_of_their_own():
    """Beside those on the pixels: the paper's steps on three numbers, at a share of the rate."""
    gradients = [noise(3, 4, 5, seed=seed) - 0.4 for seed in range(4)]
    start = torch.full((3, 4, 5), 0.5, dtype=torch.float64)
    optimizer, means = Adam(start, 0.01), torch.zeros(3, dtype=torch.float64, requires_grad=True)
    settings = {"betas": MOMENTUM, "eps": 1e-3 / 20}
    of_means = torch.optim.Adam([means], lr=0.01 * CHANNEL_RATE, **settings)
    pixels = start.clone().requires_grad_()
    of_pixels = torch.optim.Adam([pixels], lr=0.01, **settings)
    for gradient in gradients:
        _told(optimizer, 1.0, gradient)
        pixels.grad, means.grad = gradient.clone(), gradient.mean((1, 2))
        of_pixels.step()
        of_means.step()
    expected = pixels.detach() + means.detach()[:, None, None]
    torch.testing.assert_close(optimizer.canvas, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("make", [lambda x: Adam(x, 0.05), LBFGS], ids=["adam", "lbfgs"])
def test_both_reach_the_minimum_within_the_box(make):
    loss, best = _quadratic()
    found = _run(make(torch.full_like(best, 0.5)), loss, 400)
    torch.testing.assert_close(found, best, rtol=0, atol=0.02)


def test_lbfgs_needs_far_fewer_evaluations_than_adam_on_a_smooth_loss():
    loss, best = _quadratic()
    found = _run(LBFGS(torch.full_like(best, 0.5)), loss, 40)
    assert float((found - best).abs().max()) < 1e-3


class _Scalar:
    """Nocedal & Wright 2006, eq. 7.20, as it is: a multiple of the identity."""

    def __init__(self, canvas):
        self._scale = 1.0

    def learn(self, step, change, product):
        self._scale = product / change.square().sum()

    def inverse_times(self, vector):
        return vector * self._scale


def _spectral(kind=torch.float64, shape=(3, 32, 48)):
    """A quadratic that curves a thousand times more for the broadest than for the finest forms."""
    center = (0.4 + 0.2 * noise(*shape)).to(kind)
    down = torch.fft.fftfreq(shape[1], dtype=kind)[:, None]
    curvature = 1 / (0.02 + torch.hypot(down, torch.fft.rfftfreq(shape[2], dtype=kind))) ** 2

    def loss(x):
        apart = x - center
        gradient = torch.fft.irfft2(torch.fft.rfft2(apart) * curvature, s=shape[1:])
        return float((apart * gradient).sum() / 2), gradient

    return loss, center


def _evaluations(loss, start, share):
    """How many evaluations it takes to a loss of so small a share of the first."""
    optimizer = LBFGS(start)
    first = loss(start)[0]
    for done in range(1, 500):
        value, gradient = loss(optimizer.canvas)
        if value <= share * first:
            return done
        assert _told(optimizer, value, gradient)
    return 500


@pytest.mark.parametrize("kind", [torch.float32, torch.float64], ids=str)
def test_lbfgs_learns_how_frequencies_curve(monkeypatch, kind):
    loss, center = _spectral(kind)
    start = torch.full_like(center, 0.5)
    found = _evaluations(loss, start, 1e-4)
    monkeypatch.setattr(lbfgs, "Curvature", _Scalar)
    assert 3 * found < _evaluations(loss, start, 1e-4)


def test_lbfgs_is_drawn_downhill_and_the_same_way_each_time():
    loss, best = _quadratic(shape=(3, 9, 12))
    once, again = (LBFGS(torch.full_like(best, 0.5)) for _ in range(2))
    for _ in range(30):
        before = once.canvas
        value, gradient = loss(before)
        _told(once, value, gradient)
        _told(again, value, gradient)
        assert torch.equal(once.canvas, again.canvas)
        taken = loss(once.canvas)[0] < value or float((once.canvas - before).abs().max()) < 1e-6
        assert taken or float(((once.canvas - before) * gradient).sum()) < 0


def test_lbfgs_goes_down_on_rosenbrock_inside_the_box():
    def loss(x):
        x = x.clone().requires_grad_()
        a, b = x.flatten()[0], x.flatten()[1]
        value = 100 * (b - a**2) ** 2 + (0.8 - a) ** 2
        value.backward()
        return float(value.detach()), x.grad

    start = torch.zeros(1, 1, 2, dtype=torch.float64)
    found = _run(LBFGS(start), loss, 200)
    torch.testing.assert_close(
        found.flatten(), torch.tensor([0.8, 0.64]).double(), rtol=1e-3, atol=0
    )


def test_lbfgs_goes_on_where_losses_are_rounded():
    exact, best = _quadratic()

    def rounded(canvas):
        loss, gradient = exact(canvas)
        return float(torch.tensor(1 + loss, dtype=torch.bfloat16)), gradient

    def apart(**given):
        found = _run(LBFGS(torch.full_like(best, 0.5), **given), rounded, 40)
        return float((found - best).abs().max())

    assert apart(dtype=torch.bfloat16) < 1e-3 < apart()


def test_lbfgs_says_when_no_way_down_is_left():
    optimizer = LBFGS(torch.zeros(3, 2, 2, dtype=torch.float64))
    assert not _told(optimizer, 1.0, torch.ones(3, 2, 2, dtype=torch.float64))


@pytest.mark.parametrize("make", [lambda x: Adam(x, 0.1), LBFGS], ids=["adam", "lbfgs"])
def test_a_loss_that_is_not_finite_is_stepped_back_from(make):
    loss, best = _quadratic()
    optimizer = make(torch.full_like(best, 0.5))
    for _ in range(3):
        _told(optimizer, *loss(optimizer.canvas))
    _told(optimizer, math.nan, torch.full_like(best, math.nan))
    assert torch.isfinite(optimizer.canvas).all()
    found = _run(optimizer, loss, 400)
    torch.testing.assert_close(found, best, rtol=0, atol=0.05)


def test_adam_goes_back_to_where_it_was():
    start = torch.full((3, 300, 5), 0.5, dtype=torch.float64)
    optimizer = Adam(start, 0.1)
    _told(optimizer, 1.0, noise(*start.shape, seed=0) - 0.5)
    before = optimizer.canvas.clone()
    _told(optimizer, 1.0, noise(*start.shape, seed=1) - 0.5)
    assert not torch.equal(optimizer.canvas, before)
    for _ in range(2):  # there is a single step to take back
        _told(optimizer, math.nan, start)
        torch.testing.assert_close(optimizer.canvas, before, rtol=0, atol=1e-9)


def test_adam_that_is_lost_stands_still_and_is_told():
    optimizer = Adam(torch.full((3, 8, 8), 0.5, dtype=torch.float64), 0.1)
    gradient = noise(3, 8, 8) - 0.5
    _told(optimizer, 1.0, gradient)
    for _ in range(UNSOUND_MOST):
        assert not optimizer.lost
        _told(optimizer, math.nan, gradient)
    assert optimizer.lost
    before, rate = optimizer.canvas.clone(), float(optimizer._learning_rate)
    for _ in range(3):
        _told(optimizer, 1.0, gradient)
    assert torch.equal(optimizer.canvas, before)
    assert float(optimizer._learning_rate) == rate


def test_adam_just_enlarged_has_no_step_to_take_back():
    small = Adam(torch.full((3, 8, 8), 0.5, dtype=torch.float64), 0.1)
    _told(small, 1.0, torch.ones(3, 8, 8, dtype=torch.float64))
    start = noise(3, 16, 16, seed=3)
    large = small.enlarged(start)
    _told(large, math.nan, start)
    assert torch.equal(large.canvas, start)


def test_enlarged_adam_keeps_its_direction_and_scale():
    canvas = torch.full((3, 8, 8), 0.5, dtype=torch.float64)
    gradient = torch.ones_like(canvas) / canvas[0].numel()
    small = Adam(canvas, 0.01)
    for _ in range(30):
        _told(small, 1.0, gradient)
    large = small.enlarged(torch.full((3, 16, 16), 0.5, dtype=torch.float64))
    before = small.canvas.clone()
    _told(large, 1.0, torch.ones(3, 16, 16, dtype=torch.float64) / 256)
    _told(small, 1.0, gradient)
    step = before - small.canvas
    torch.testing.assert_close(0.5 - large.canvas, step.mean().expand(3, 16, 16), rtol=1e-3, atol=0)


def test_enlarged_adam_goes_on_without_a_gradient():
    canvas = torch.full((3, 8, 8), 0.5, dtype=torch.float64)
    small, slope = Adam(canvas, 0.01), torch.linspace(-1, 1, 8, dtype=torch.float64)
    for _ in range(30):
        _told(small, 1.0, slope.expand(3, 8, 8) / 64)
    large = small.enlarged(torch.full((3, 16, 16), 0.5, dtype=torch.float64))
    _told(large, 1.0, torch.zeros(3, 16, 16, dtype=torch.float64))
    moved = 0.5 - large.canvas
    assert float(moved[..., :6].max()) < -1e-4
    assert float(moved[..., 10:].min()) > 1e-4


def test_the_option_has_the_names_of_the_catalog():
    assert SPECS["optimizer"].choices == tuple(OPTIMIZERS)
