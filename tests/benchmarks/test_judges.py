"""The judges: nothing for a picture beside itself, more with distance, by their formulas."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from judges import nearest, structure
from judges.colors import hellinger, histogram
from judges.nearest import centered_cosine, root_mean_square
from judges.panel import CONTENT, LAYERS, STYLE, Panel
from judges.patches import patches, sliced_wasserstein
from judges.structure import feature_structure_distance
from painter.network.weights import TORCHVISION, Checkpoint


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _naive_nearest(one: torch.Tensor, other: torch.Tensor, of_cosine: bool) -> float:
    """Row by row."""
    if of_cosine:
        one, other = one - one.mean(0), other - other.mean(0)
    found = []
    for row in one:
        if of_cosine:
            found.append(min(1 - float(row @ each / row.norm() / each.norm()) for each in other))
        else:
            found.append(min(float((row - each).square().mean()) for each in other))
    mean = sum(found) / len(found)
    return mean if of_cosine else mean**0.5


@pytest.mark.parametrize("of_cosine", [True, False])
def test_the_nearest_are_those_of_all_pairs(monkeypatch: pytest.MonkeyPatch, of_cosine: bool):
    monkeypatch.setattr(nearest, "_ROWS", 5)
    one, other = _noise(13, 6), _noise(9, 6, seed=1)
    found = (centered_cosine if of_cosine else root_mean_square)(one, other)
    wanted = (
        _naive_nearest(one, other, of_cosine),
        _naive_nearest(other, one, of_cosine),
    )
    assert found == pytest.approx(wanted, rel=1e-9)


def test_patches_are_cut_on_a_grid() -> None:
    pixels = _noise(3, 9, 11)
    found = patches(pixels, 3)
    assert found.shape == (7 * 9, 27)
    assert torch.equal(found[0].view(3, 3, 3), pixels[:, :3, :3])
    assert torch.equal(found[-1].view(3, 3, 3), pixels[:, 6:, 8:])
    assert len(patches(_noise(3, 400, 400), 3)) < 110**2


def test_sliced_wasserstein_of_shifted_rows_is_the_shift_along_directions() -> None:
    rows = _noise(700, 27)
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(27, 128, generator=generator, dtype=torch.float64)
    directions /= directions.norm(dim=0)
    by = torch.full((27,), 0.3, dtype=torch.float64)
    wanted = float((by @ directions).square().mean().sqrt())
    assert sliced_wasserstein(rows, rows + by) == pytest.approx(wanted, rel=1e-6)


def test_self_similarity_is_compared_by_kl_divergence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "_ROWS", 7)
    one, other = _noise(6, 4, 5), _noise(6, 4, 5, seed=1)
    own, wanted = (
        torch.softmax(10 * (unit.T @ unit), 1)
        for unit in (torch.nn.functional.normalize(each.flatten(1), dim=0) for each in (one, other))
    )
    expected = float((wanted * (wanted / own).log()).sum(1).mean())
    assert feature_structure_distance(one, other) == pytest.approx(expected, rel=1e-9)
    # Neither how large features are nor a turn of their space is structure.
    turn = torch.linalg.qr(_noise(6, 6, seed=2)).Q
    turned = 3 * torch.einsum("ij,jhw->ihw", turn, one)
    assert feature_structure_distance(turned, one) == pytest.approx(0, abs=1e-9)


def test_histograms_are_those_of_the_formula() -> None:
    pixels = 0.1 + 0.8 * _noise(3, 2, 3)
    found, wanted = histogram(pixels), torch.zeros(3, 64, 64, dtype=torch.float64)
    centers = torch.linspace(-3, 3, 64, dtype=torch.float64)
    for red, green, blue in pixels.flatten(1).T:
        weight = (red**2 + green**2 + blue**2).sqrt()
        ratios = ((red, green, blue), (green, red, blue), (blue, red, green))
        for plane, (own, first, second) in zip(wanted, ratios, strict=True):
            u, v = (
                1 / (1 + ((own / other + 0).log() - centers).square() / 0.02**2)
                for other in (first, second)
            )
            plane += weight * torch.outer(u, v)
    torch.testing.assert_close(found, wanted / wanted.sum(), rtol=1e-3, atol=1e-6)
    assert float(found.sum()) == pytest.approx(1)


def test_brightness_alone_changes_no_histogram() -> None:
    pixels = 0.2 + 0.6 * _noise(3, 8, 8)
    assert hellinger(histogram(pixels), histogram(pixels / 2)) < 1e-3
    assert hellinger(histogram(pixels), histogram(pixels.flip(0))) > 0.1


class _Networks:
    """In place of ST-LPIPS: distances of pixels, and patches as features."""

    def distance(self, painting: torch.Tensor, photo: torch.Tensor) -> float:
        return float((painting - photo).square().mean())

    def rows(self, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return patches(picture, 2), patches(picture, 4)


def _checkpoint() -> Checkpoint:
    """Few features in the places of VGG-19's."""
    tensors, channels = {}, 3
    for place, width in ((0, 6), (2, 6), (5, 8), (7, 8), (10, 8), (12, 8), (14, 8), (16, 8),
                         (19, 8), (21, 8), (23, 8), (25, 8), (28, 8)):  # fmt: skip
        weight = _noise(width, channels, 3, 3, seed=place).float() - 0.5
        tensors[f"features.{place}.weight"] = weight
        tensors[f"features.{place}.bias"] = torch.zeros(width)
        channels = width
    return Checkpoint(tensors, "", "", "", TORCHVISION)


def _png(pixels: torch.Tensor) -> bytes:
    data = io.BytesIO()
    samples = (pixels.permute(1, 2, 0) * 255).round().numpy().astype(np.uint8)
    Image.fromarray(samples).save(data, "png")
    return data.getvalue()


def test_a_picture_is_near_itself_and_less_so_the_more_it_differs() -> None:
    photo, style, other = (_noise(3, 48, 48, seed=seed) for seed in range(3))
    panel = Panel(_checkpoint(), _Networks(), _png(photo), _png(style))
    own = panel.judge(_png(photo))
    assert set(own) == {*CONTENT, *STYLE}
    assert all(own[name] == pytest.approx(0, abs=1e-5) for name in CONTENT)
    mixed = [panel.judge(_png(torch.lerp(photo, other, share))) for share in (0.05, 0.2)]
    assert all(0 < mixed[0][name] < mixed[1][name] for name in CONTENT)
    copied = panel.judge(_png(style))
    assert all(copied[name] == pytest.approx(0, abs=2e-3) for name in STYLE), copied
    dark = 0.5 * style * torch.tensor([1.0, 0.6, 0.3]).view(3, 1, 1)
    changed = [panel.judge(_png(torch.lerp(style, dark, share))) for share in (0.3, 0.9)]
    judges = [name for name in STYLE if not name.startswith(("nearest", "missed relu"))]
    assert all(0 < changed[0][name] < changed[1][name] for name in judges), changed
    # A centered cosine does not see how bright a picture is.
    seen = [panel.judge(_png(torch.lerp(style, other, share))) for share in (0.3, 0.9)]
    for layer in LAYERS:
        for judge in ("nearest", "missed"):
            assert 0 < seen[0][f"{judge} {layer}"] < seen[1][f"{judge} {layer}"]
