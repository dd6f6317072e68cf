"""Whose colors a painting has."""

from __future__ import annotations

import pytest
import torch

from networks import noise
from painter.pictures.color import finished, photos_chroma, prepared_content, recolored
from painter.pictures.moments import Moments, moments, moved, together
from painter.pictures.oklab import to_oklab

LUMA = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).view(3, 1, 1)


def _pictures():
    style = noise(3, 40, 50) * torch.tensor([0.5, 0.2, 0.3]).view(3, 1, 1) + 0.3
    mixed = torch.einsum("ij,jhw->ihw", noise(3, 3, seed=1), noise(3, 30, 20, seed=2))
    return style, (mixed - mixed.min()) / (mixed.max() - mixed.min()) * 0.4 + 0.3


def _moments(pixels):
    rows = pixels.reshape(3, -1)
    return rows.mean(1), torch.cov(rows)


def test_matched_colors_have_the_photos_mean_and_covariance():
    style, content = _pictures()
    found = _moments(to_oklab(recolored(style, content, "match", 1)))
    for own, wanted in zip(found, _moments(to_oklab(content)), strict=True):
        torch.testing.assert_close(own, wanted, rtol=0.02, atol=2e-4)


def test_matching_moves_no_color_further_than_it_must():
    """Of two pictures whose moments agree but for the order of the axes, none is turned."""
    axes = torch.tensor([[0.1, 0, 0], [0, 0.05, 0], [0, 0, 0.02]], dtype=torch.float64)
    planes = (axes @ (noise(3, 4000) - 0.5)).reshape(3, 50, 80)
    own = moments(planes, None)
    wanted = Moments(own.mean, 4 * own.covariance)
    found = moved(planes, own, wanted)
    # The ridge, 0.01 squared, holds back the axis of least spread.
    lengths = (found * planes).sum((1, 2)) / planes.square().sum((1, 2))
    torch.testing.assert_close(
        lengths[0], torch.tensor(2.0, dtype=torch.float64), rtol=0.05, atol=0
    )
    turned = torch.corrcoef(torch.cat([found.flatten(1), planes.flatten(1)]))[:3, 3:]
    torch.testing.assert_close(
        turned.diagonal(), torch.ones(3, dtype=torch.float64), rtol=1e-3, atol=0
    )


def test_pictures_together_have_the_moments_of_one_beside_the_other():
    one, other = noise(2, 8, 12), 0.3 * noise(2, 8, 6, seed=1)
    found = together((2 / 3, 1 / 3), (moments(one, None), moments(other, None)))
    for own, wanted in zip(found, moments(torch.cat([one, other], -1), None), strict=True):
        torch.testing.assert_close(own, wanted)


def test_the_photos_chroma_has_each_parts_moments_and_its_own_elsewhere():
    photo = 0.3 + 0.4 * noise(3, 20, 30)
    left = torch.zeros(20, 30, dtype=torch.float64)
    left[:, :15] = 1
    wanted = Moments(
        torch.tensor([[0.1], [-0.05]], dtype=torch.float64), 0.002 * torch.eye(2).double()
    )
    found = photos_chroma(photo, [(left, wanted)])
    torch.testing.assert_close(found[..., 15:], to_oklab(photo)[1:, :, 15:])
    own = moments(found, left)
    torch.testing.assert_close(own.mean, wanted.mean, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(own.covariance, wanted.covariance, rtol=0.05, atol=5e-5)


def test_matching_a_picture_to_itself_changes_nothing():
    style, _ = _pictures()
    torch.testing.assert_close(recolored(style, style, "match", 1), style, rtol=0, atol=1e-5)


def test_luminance_learns_from_gray_of_the_photos_brightness():
    style, content = _pictures()
    gray = recolored(style, content, "luminance", 1)
    torch.testing.assert_close(gray[0], gray[1])
    torch.testing.assert_close(gray[0], gray[2])
    wanted = (content * LUMA).sum(0)
    assert float(gray[0].mean()) == pytest.approx(float(wanted.mean()), abs=0.01)
    assert float(gray[0].std()) == pytest.approx(float(wanted.std()), rel=0.05)


def test_luminance_keeps_the_photos_chroma():
    canvas, content = 0.3 + 0.4 * noise(3, 9, 7), 0.4 + 0.2 * noise(3, 9, 7, seed=1)
    shown = finished(canvas, content, "luminance", 1)
    torch.testing.assert_close(shown - (shown * LUMA).sum(0), content - (content * LUMA).sum(0))
    torch.testing.assert_close((shown * LUMA).sum(0), (canvas * LUMA).sum(0))


def test_the_photo_is_painted_without_its_colors_for_luminance_alone():
    content = noise(3, 9, 7)
    gray = prepared_content(content, "luminance", 1)
    torch.testing.assert_close(gray, (content * LUMA).sum(0).expand(3, -1, -1))
    for color in ("style", "match", "guided"):
        assert torch.equal(prepared_content(content, color, 1), content)


@pytest.mark.parametrize("color", ["match", "luminance"])
def test_strength_goes_from_nothing_to_all_in_a_line(color):
    style, content = _pictures()
    none, half, whole = (recolored(style, content, color, share) for share in (0, 0.5, 1))
    torch.testing.assert_close(none, style)
    torch.testing.assert_close(half, (none + whole) / 2)
    assert float((whole - none).abs().mean()) > 0.02


def test_the_photos_colors_are_put_back_by_any_strength():
    style = 0.4 + 0.2 * noise(3, 20, 30).float()
    photo = 0.4 + 0.2 * noise(3, 20, 30, seed=1).float()

    def chroma(share: float) -> torch.Tensor:
        # As if the canvas had become the style that it learned from.
        canvas = recolored(style, photo, "luminance", share)
        shown = finished(canvas, photo, "luminance", share)
        return shown - (shown * LUMA).sum(0)

    none, some, whole = (chroma(share) for share in (0, 0.3, 1))
    torch.testing.assert_close(none, style - (style * LUMA).sum(0))
    torch.testing.assert_close(whole, photo - (photo * LUMA).sum(0))
    torch.testing.assert_close(some, 0.7 * none + 0.3 * whole)


@pytest.mark.parametrize("strength", [0, 0.3, 1])
def test_the_styles_own_colors_are_left_alone(strength):
    style, content = _pictures()
    assert torch.equal(recolored(style, content, "style", strength), style)
    assert torch.equal(finished(style, style, "style", strength), style)


@pytest.mark.parametrize("color", ["match", "luminance"])
@pytest.mark.parametrize("flat", ["style", "content", "both"])
def test_flat_pictures_stay_finite_and_in_range(color, flat):
    style, content = _pictures()
    style = torch.full_like(style, 0.2) if flat != "content" else style
    content = torch.full_like(content, 0.7) if flat != "style" else content
    found = recolored(style, content, color, 1)
    assert torch.isfinite(found).all()
    assert float(found.min()) >= 0
    assert float(found.max()) <= 1
    assert float(found.mean()) == pytest.approx(float(content.mean()), abs=0.05)


@pytest.mark.parametrize("color", ["match", "luminance"])
def test_hidden_colors_do_not_count(color):
    style, content = noise(3, 20, 30).float(), noise(3, 24, 18, seed=1).float()
    hidden = torch.cat([style, torch.zeros(3, 20, 30)], -1)
    counts = torch.cat([torch.ones(20, 30), torch.zeros(20, 30)], -1)
    found = recolored(hidden, content, color, 1, counts, torch.ones(24, 18))
    expected = recolored(style, content, color, 1)
    torch.testing.assert_close(found[..., :30], expected, rtol=1e-5, atol=1e-5)
