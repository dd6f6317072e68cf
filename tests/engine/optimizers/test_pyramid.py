"""Descent on a canvas's pyramid: Adam's own steps, the box, and what L-BFGS comes to there."""

from __future__ import annotations

import pytest
import torch

from networks import noise
from painter.canvas.laplacian import Laplacian
from painter.optimizers import pyramid
from painter.optimizers.catalog import OPTIMIZERS, optimizer_of
from painter.optimizers.moments import MOMENTUM
from painter.optimizers.optimizer import UNSOUND_MOST
from painter.optimizers.pyramid import PyramidAdam, PyramidLBFGS
from painter.options.reading import read_options

OPTIONS = read_options({"learning_rate": 0.02})


def _told(optimizer, loss, gradient):
    return optimizer.tell(torch.as_tensor(loss, dtype=torch.float64), gradient.clone())


def test_adam_takes_its_steps_on_the_coefficients():
    """Against torch's own, and autograd from the canvas to the coefficients."""
    canvas = 0.5 + 0.02 * (noise(3, 24, 32) - 0.5)
    optimizer, laplacian = PyramidAdam(canvas, OPTIONS), Laplacian(canvas, (False, False))
    reference = [each.clone().requires_grad_() for each in laplacian.analyzed(canvas)]
    rate = 0.02 * pyramid.RATE
    adams = [
        torch.optim.Adam([each], lr=rate, betas=MOMENTUM, eps=1e-3 / each[0].numel())
        for each in reference
    ]
    for seed in range(4):
        gradient = noise(3, 24, 32, seed=seed) - 0.5
        for adam in adams:
            adam.zero_grad()
        (laplacian.synthesized(reference) * gradient).sum().backward()
        for adam in adams:
            adam.step()
        assert _told(optimizer, 1.0, gradient)
    wanted = laplacian.synthesized([each.detach() for each in reference])
    torch.testing.assert_close(optimizer.canvas, wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", [PyramidAdam, PyramidLBFGS])
def test_a_quadratic_within_the_box_is_solved(kind):
    center = 1.6 * noise(3, 16, 24, seed=1) - 0.3
    optimizer = kind(torch.full_like(center, 0.5), OPTIONS)
    for step in range(300):
        canvas = optimizer.canvas
        assert 0 <= float(canvas.min()) <= float(canvas.max()) <= 1
        optimizer.pace_for(step, 300)
        if not _told(optimizer, (canvas - center).square().sum() / 2, canvas - center):
            break
    # The coefficients of several sizes draw at one pixel, so that the box is no place to rest.
    error = (optimizer.canvas - center.clamp(0, 1)).abs()
    assert float(error.mean()) < 0.02


def test_lbfgs_on_pixels_with_its_guess_is_lbfgs_on_coefficients():
    """The first direction and one after a pair, beside the textbook's on the coefficients."""
    canvas = 0.5 + 0.1 * (noise(3, 16, 24) - 0.5)
    laplacian = Laplacian(canvas, (False, False))
    first, second = noise(3, 16, 24, seed=1) - 0.5, noise(3, 16, 24, seed=2) - 0.5
    steps = laplacian.analyzed(0.01 * (noise(3, 16, 24, seed=3) - 0.5))
    step = laplacian.synthesized(steps)
    change = 2 * step + 0.1 * (first - second)
    hessian = PyramidLBFGS(canvas, OPTIONS)._hessian
    hessian.learn(
        step,
        change,
    )
    found, _ = hessian.direction(canvas, first)

    def flat(parts):
        return torch.cat([part.flatten() for part in parts])

    s, y, g = flat(steps), flat(laplacian.adjoint(change)), flat(laplacian.adjoint(first))
    factor = (s @ g) / (s @ y)
    q = (g - factor * y) * ((s @ y) / (y @ y))
    direction = -(q + s * (factor - (y @ q) / (s @ y)))
    shapes = [each.shape for each in steps]
    parts = direction.split([shape.numel() for shape in shapes])
    wanted = laplacian.synthesized([p.view(shape) for p, shape in zip(parts, shapes, strict=True)])
    torch.testing.assert_close(found, wanted, rtol=1e-7, atol=1e-10)


def test_what_is_not_finite_takes_a_step_back_and_then_stands_still():
    canvas = 0.5 + 0.1 * (noise(3, 16, 24) - 0.5)
    optimizer = PyramidAdam(canvas, OPTIONS)
    _told(optimizer, 1.0, noise(3, 16, 24, seed=1) - 0.5)
    assert float((optimizer.canvas - canvas).abs().max()) > 1e-3
    _told(optimizer, float("nan"), noise(3, 16, 24, seed=1))
    torch.testing.assert_close(optimizer.canvas, canvas, rtol=0, atol=1e-9)
    for _ in range(UNSOUND_MOST):
        _told(optimizer, float("inf"), noise(3, 16, 24, seed=1))
    assert bool(optimizer.lost)
    still = optimizer.canvas.clone()
    _told(optimizer, 1.0, noise(3, 16, 24, seed=1))
    assert torch.equal(optimizer.canvas, still)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_has_one_on_pyramids(name):
    kinds = [
        optimizer_of(read_options({"optimizer": name, "canvas_space": space}))
        for space in ("pixels", "pyramid")
    ]
    assert kinds[0] is OPTIMIZERS[name]
    assert kinds[0] is not kinds[1]
    assert kinds[0].compares_losses == kinds[1].compares_losses
