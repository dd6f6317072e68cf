"""Canvases as they were, with the colors that were asked for."""

from __future__ import annotations

from types import SimpleNamespace

from networks import noise
from painter.options.reading import read_options
from painter.painting.snapshots import CanvasCopy


def _finished(canvas, chroma, **options):
    """The pixels that a canvas is encoded from."""
    arriving, shape = SimpleNamespace(tensor=canvas), (canvas.shape[1], canvas.shape[2])
    copy = CanvasCopy(arriving, shape, read_options({"color": "guided", **options}), None, chroma)
    return copy.finished()


def test_guided_colors_go_on_at_a_seamless_edge():
    canvas, chroma = noise(3, 20, 120).float(), 0.05 * noise(2, 20, 120, seed=1).float()
    error = {
        seamless: float(
            _finished(canvas.roll(7, 2), chroma.roll(7, 2), seamless=seamless)
            .sub(_finished(canvas, chroma, seamless=seamless).roll(7, 2))
            .abs()
            .max()
        )
        for seamless in ("x", "none")
    }
    assert error["x"] < 1e-5
    assert error["none"] > 1e-3
