"""Paint the pictures of the README and of the site anew, from nothing but examples/.

python docs/make_gallery.py            all but the large one, some minutes
python docs/make_gallery.py detail     the painting of 4096 px, a quarter of an hour or more
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from bruno.sheet import Tile, contact_sheet
from painter.engine.painter import Painter
from painter.evaluation import levels
from painter.options.reading import read_options
from painter.options.request import Request

ROOT: Final = Path(__file__).resolve().parent.parent
PICTURES: Final = ROOT / "docs" / "pictures"
PHOTO: Final = ROOT / "examples" / "photo.jpg"
SWIRLS: Final = ROOT / "examples" / "style.png"
GLASS: Final = ROOT / "examples" / "style_geometric.png"
CELL: Final = 320
# Where the tower stands in the photo, as shares of its sides.
TOWER: Final = (0.08, 0.02, 0.6, 0.98)

Paint = Callable[..., Image.Image]


def alpha_against_beta(paint: Paint) -> Image.Image:
    """Nine paintings: alpha to the right, beta down."""
    return contact_sheet(
        [
            [
                Tile(f"alpha {alpha:g}, beta {beta:g}", paint(alpha=alpha, beta=beta))
                for alpha in (0.3, 1, 3)
            ]
            for beta in (5, 20, 80)
        ],
        CELL,
    )


def style_scale(paint: Paint) -> Image.Image:
    """Strokes of three sizes."""
    return _row(
        [(f"style_scale {scale:g}", {"style_scale": scale}) for scale in (0.5, 1, 2)], paint
    )


def two_styles(paint: Paint) -> Image.Image:
    """Two styles, and their blends."""
    weights = ((1, 0), (0.6, 0.4), (0.2, 0.8), (0, 1))
    return contact_sheet(
        [
            [
                Tile(
                    f"style_weights {list(pair)}",
                    paint([SWIRLS, GLASS], style_weights=tuple(map(float, pair))),
                )
                for pair in weights
            ]
        ],
        CELL,
    )


def colors(paint: Paint) -> Image.Image:
    """Whose colors the painting has."""
    kinds = ("style", "match", "luminance")
    return _row([(f"color {kind}", {"color": kind}) for kind in kinds], paint)


def masked_sky(paint: Paint) -> Image.Image:
    """The sky painted alone, and each part in a style of its own."""
    sky = _sky()
    return contact_sheet(
        [
            [
                Tile("mask_1", sky),
                Tile("the sky alone", paint(masks={1: _png(sky)})),
                Tile("sky and tower", paint([SWIRLS, GLASS], masks={1: _png(sky)})),
            ]
        ],
        CELL,
    )


def transparent(paint: Paint) -> Image.Image:
    """A cut-out stays a cut-out; here on a chequered ground."""
    photo = Image.open(PHOTO)
    width, height = photo.size
    oval = Image.new("L", photo.size)
    box = [share * side for share, side in zip(TOWER, (width, height) * 2, strict=True)]
    ImageDraw.Draw(oval).ellipse(box, fill=255)
    photo.putalpha(oval.filter(ImageFilter.GaussianBlur(3)))
    painted = paint(content=_png(photo))
    return contact_sheet(
        [[Tile("the photo", _on_squares(photo)), Tile("painted", _on_squares(painted))]], CELL
    )


def style_losses(paint: Paint) -> Image.Image:
    """The two ways of comparing styles."""
    kinds = ("gram", "wasserstein")
    return _row([(f"style_loss {kind}", {"style_loss": kind}) for kind in kinds], paint)


def artifacts(paint: Paint) -> Image.Image:
    """What the shifts, the average, the slowing down and the variation are there for."""
    with_all = paint(size=512)
    one_shift = patch.object(levels, "SHIFTS", levels.SHIFTS[:1])
    with one_shift, patch("painter.painting.descent.LAST_PACE", 1.0):
        without = paint(size=512, averaging=0.0, tv=0.0)
    box = (300, 20, 460, 127)
    tiles = [
        Tile(label, picture.crop(box).resize((640, 428), Image.Resampling.NEAREST))
        for label, picture in (("without", without), ("with", with_all))
    ]
    return contact_sheet([tiles], 640)


def detail(paint: Paint) -> Image.Image:
    """A painting of 4096 px, and a piece of it pixel by pixel."""
    whole = paint(size=4096, steps=150)
    left, top = whole.width * 2 // 5, whole.height // 4
    piece = whole.crop((left, top, left + 640, top + 427))
    return contact_sheet(
        [[Tile("4096 px wide", whole), Tile("640 px of it, pixel by pixel", piece)]], 640
    )


SHEETS: Final[dict[str, Callable[[Paint], Image.Image]]] = {
    "painting": lambda paint: paint(size=512),
    "alpha-beta": alpha_against_beta,
    "style-scale": style_scale,
    "two-styles": two_styles,
    "colors": colors,
    "masked-sky": masked_sky,
    "transparent": transparent,
    "style-losses": style_losses,
    "artifacts": artifacts,
    "detail": detail,
}


def painter_with(weights: Path) -> Paint:
    """A function that paints the example with options and other fields of a request."""
    painter = Painter(weights)

    def paint(
        styles: list[Path] | None = None,
        content: bytes | None = None,
        style_weights: tuple[float, ...] | None = None,
        masks: dict[int, bytes] | None = None,
        **given: Any,
    ) -> Image.Image:
        pictures = [style.read_bytes() for style in styles or [SWIRLS]]
        request = Request(
            read_options({"size": CELL, **given}),
            content or PHOTO.read_bytes(),
            tuple(pictures),
            style_weights,
            masks or {},
        )
        job = painter.begin(request)
        job.finish()
        return Image.open(io.BytesIO(job.result().data))

    return paint


def main(names: list[str]) -> None:
    """Makes the sheets named, or all but the large one."""
    paint = painter_with(ROOT / "model_store" / "vgg19.safetensors")
    for name in names or [name for name in SHEETS if name != "detail"]:
        path = PICTURES / f"{name}.jpg"
        SHEETS[name](paint).convert("RGB").save(path, quality=86, optimize=True)
        print(path.relative_to(ROOT), flush=True)


def _row(cells: list[tuple[str, dict[str, Any]]], paint: Paint) -> Image.Image:
    return contact_sheet([[Tile(label, paint(**given)) for label, given in cells]], CELL)


def _sky() -> Image.Image:
    """White from the top of each column down to the first thing that is not pale."""
    pale = np.asarray(ImageOps.grayscale(Image.open(PHOTO)).filter(ImageFilter.MedianFilter(5)))
    open_sky = np.logical_and.accumulate(pale > 140, axis=0)
    return Image.fromarray(open_sky.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(2))


def _png(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "png")
    return data.getvalue()


def _on_squares(picture: Image.Image) -> Image.Image:
    y, x = np.mgrid[0 : picture.height, 0 : picture.width]
    ground = Image.fromarray(np.where((x // 16 + y // 16) % 2, 200, 245).astype(np.uint8))
    return Image.composite(picture.convert("RGB"), ground.convert("RGB"), picture.getchannel("A"))


if __name__ == "__main__":
    main(sys.argv[1:])
