"""OkLab against the author's values, and colors that follow the edges of another picture."""

from __future__ import annotations

import pytest
import torch

from networks import noise
from painter.pictures import guided
from painter.pictures.guided import tinted
from painter.pictures.oklab import from_oklab, to_oklab

# Of colors whose OkLab is published: red, green and blue of sRGB.
PUBLISHED = {
    (1.0, 0.0, 0.0): (0.627955, 0.224863, 0.125846),
    (0.0, 1.0, 0.0): (0.866440, -0.233888, 0.179498),
    (0.0, 0.0, 1.0): (0.452014, -0.032457, -0.311528),
    (1.0, 1.0, 1.0): (1.0, 0.0, 0.0),
}


@pytest.mark.parametrize("color", PUBLISHED)
def test_oklab_is_what_its_author_says(color):
    pixel = torch.tensor(color, dtype=torch.float64).view(3, 1, 1)
    wanted = torch.tensor(PUBLISHED[color], dtype=torch.float64)
    torch.testing.assert_close(to_oklab(pixel).flatten(), wanted, rtol=0, atol=2e-5)


def test_there_and_back():
    pixels = noise(3, 40, 30).float()
    torch.testing.assert_close(from_oklab(to_oklab(pixels)), pixels, rtol=0, atol=2e-5)


def test_what_no_screen_shows_is_clamped():
    axes = torch.tensor([0.9, 0.4, -0.4]).view(3, 1, 1).repeat(1, 4, 4)
    pixels = from_oklab(axes)
    assert torch.isfinite(pixels).all()
    assert 0 <= float(pixels.min()) <= float(pixels.max()) <= 1


def test_lightness_stays_and_colors_follow_its_edges(monkeypatch):
    monkeypatch.setattr(guided, "_RADIUS", 0.08)
    light = torch.where(torch.arange(64) < 32, 0.4, 0.7).expand(3, 64, 64)
    # The color's edge is blurred over 16 px, and beside that of the lightness.
    ramp = ((torch.arange(64) - 20) / 16).clamp(0, 1) * 0.1
    chroma = torch.stack([ramp.expand(64, 64), -ramp.expand(64, 64)])
    found = to_oklab(tinted(light, chroma, 1))
    torch.testing.assert_close(found[0], to_oklab(light)[0], rtol=0, atol=1e-4)
    step = float(found[1, 32, 32] - found[1, 32, 31])
    assert step > 4 * float(ramp.diff().max())
    assert float(found[1, :, 0].abs().max()) < 0.01
    assert float(found[1, :, -1].min()) > 0.09


def test_strength_goes_from_the_canvas_to_other_colors():
    canvas = 0.4 + 0.2 * noise(3, 32, 32).float()
    chroma = 0.05 * noise(2, 64, 64, seed=1).float()
    none, half, whole = (to_oklab(tinted(canvas, chroma, share)) for share in (0, 0.5, 1))
    torch.testing.assert_close(none, to_oklab(canvas), rtol=0, atol=1e-4)
    torch.testing.assert_close(half, (none + whole) / 2, rtol=0, atol=1e-4)
    assert float((whole - none)[1:].abs().mean()) > 0.01


@pytest.mark.parametrize("seamless", [(True, False), (False, True), (True, True)])
def test_a_seamless_picture_that_is_rolled_is_tinted_alike(seamless, monkeypatch):
    monkeypatch.setattr(guided, "_RADIUS", 0.1)
    canvas, chroma = noise(3, 17, 40), 0.05 * noise(2, 17, 40, seed=1)
    rolled = [5 if goes_on else 0 for goes_on in seamless]
    expected = tinted(canvas, chroma, 1, seamless).roll(rolled, (1, 2))
    found = tinted(canvas.roll(rolled, (1, 2)), chroma.roll(rolled, (1, 2)), 1, seamless)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    cut_off = tinted(canvas, chroma, 1).roll(rolled, (1, 2))
    assert float((cut_off - expected).abs().max()) > 0.001


def test_large_pictures_take_lines_of_a_small_copy(monkeypatch):
    canvas = 0.4 + 0.2 * noise(3, 8, 8).float().repeat_interleave(16, 1).repeat_interleave(16, 2)
    chroma = to_oklab(canvas)[1:]
    exact = tinted(canvas, chroma, 1)
    monkeypatch.setattr(guided, "_SMALL_SIDE", 64)
    assert float((tinted(canvas, chroma, 1) - exact).abs().mean()) < 0.01
