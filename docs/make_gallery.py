"""Paint the pictures of the README and of the site anew.

python docs/make_gallery.py            all but those below, from examples/ and the samples
python docs/make_gallery.py presets    three styles by three presets, some minutes
python docs/make_gallery.py detail     the painting of 2048 px, some minutes
python docs/make_gallery.py hero       nine paintings, minutes; fetches three of `bruno styles`
python docs/make_gallery.py forming    the animation; fetches one
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from bruno import styles as library
from bruno.sheet import Tile, contact_sheet
from make_scene import scene
from painter.engine.painter import Painter
from painter.evaluation import levels
from painter.options.reading import read_options
from painter.options.request import Request

ROOT: Final = Path(__file__).resolve().parent.parent
PICTURES: Final = ROOT / "docs" / "pictures"
PHOTO: Final = ROOT / "examples" / "photo.jpg"
SWIRLS: Final = ROOT / "examples" / "style.png"
GLASS: Final = ROOT / "examples" / "style_geometric.png"
SAMPLES: Final = ROOT / "client" / "src" / "bruno" / "studio" / "samples"
CELL: Final = 320
HERO_CELL: Final = 512
HERO_PHOTOS: Final = (PHOTO, SAMPLES / "astronaut.jpg", SAMPLES / "cat.jpg")
HERO_PAINTINGS: Final = ("starry-night", "great-wave", "composition-vii")
PRESET_PAIRS: Final = (
    (PHOTO, "ink"),
    (SAMPLES / "cat.jpg", "woodcut"),
    (SAMPLES / "astronaut.jpg", "poster"),
)
LARGE: Final = 2048
FRAMES_OF_LEVEL: Final = 10
# How bright the sky is at least, of 255.
_PALE: Final = 150
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
    photo = _cropped(Image.open(SAMPLES / "astronaut.jpg"))
    tiles = [Tile("the photo", photo)]
    for kind in ("style", "match", "guided", "luminance"):
        tiles.append(Tile(f"color {kind}", paint(content=_png(photo), color=kind)))
    return contact_sheet([tiles], CELL)


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


def presets(paint: Paint) -> Image.Image:
    """A line drawing, a woodcut and a poster by the presets."""
    rows = []
    for photo, style in PRESET_PAIRS:
        content, path = _cropped(Image.open(photo)), library.path(style)
        tiles = [Tile(style, _cropped(Image.open(path)))]
        for name in ("bruno", "neighbors", "strotss"):
            tiles.append(Tile(name, paint([path], _png(content), preset=name)))
        rows.append(tiles)
    return contact_sheet(rows, CELL)


def artifacts(paint: Paint) -> Image.Image:
    """What the shifts, the average, the slowing down and the variation are there for."""
    with_all = paint(size=512)
    one_shift = patch.object(levels, "SHIFTS", levels.SHIFTS[:1])
    with one_shift, patch("painter.optimizers.moments.LAST_PACE", 1.0):
        without = paint(size=512, averaging=0.0, tv=0.0)
    box = (300, 20, 460, 127)
    tiles = [
        Tile(label, picture.crop(box).resize((640, 428), Image.Resampling.NEAREST))
        for label, picture in (("without", without), ("with", with_all))
    ]
    return contact_sheet([tiles], 640)


def detail(paint: Paint) -> Image.Image:
    """A large painting, and a piece of it pixel by pixel; photo and style are as large."""
    sys.path.append(str(ROOT / "examples"))
    style = Path(tempfile.mkdtemp()) / "woodcut.png"
    import_module("style_woodcut").make(LARGE).save(style)
    whole = paint([style], _png(scene(LARGE)), size=LARGE)
    left, top = whole.width * 45 // 100, whole.height * 38 // 100
    piece = whole.crop((left, top, left + 640, top + 427))
    return contact_sheet(
        [[Tile(f"{LARGE} px wide", whole), Tile("640 px of it, pixel by pixel", piece)]], 640
    )


def hero(paint: Paint) -> Image.Image:
    """Three photos by three paintings, which stand at the edges."""
    paintings = [library.fetch(name) for name in HERO_PAINTINGS]
    photos = [_cropped(Image.open(path)) for path in HERO_PHOTOS]
    first = [Tile(), *(Tile(picture=_cropped(Image.open(path))) for path in paintings)]
    rows = [
        [Tile(picture=photo)]
        + [Tile(picture=paint([path], _png(photo), size=HERO_CELL)) for path in paintings]
        for photo in photos
    ]
    return contact_sheet([first, *rows], HERO_CELL)


def forming(paint: Paint) -> list[Image.Image]:
    """A canvas from the photo to the painting: some of its states, the last one for longer."""
    states: list[Image.Image] = []
    painted = paint([library.fetch("starry-night")], watch=states.append, size=480)
    frames: list[Image.Image] = []
    for _, level in groupby(states, lambda state: state.size):
        of_level = list(level)
        for state in of_level[:: len(of_level) // FRAMES_OF_LEVEL + 1]:
            frames.append(state.resize(painted.size, Image.Resampling.BICUBIC))
    return [*frames, *[painted] * 12]


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
    "presets": presets,
    "detail": detail,
    "hero": hero,
}
# What takes minutes, or what the network has to bring.
APART: Final = ("detail", "hero", "presets")


def painter_with(weights: Path) -> Paint:
    """A function that paints the example with options and other fields of a request."""
    painter = Painter(weights)

    def paint(
        styles: list[Path] | None = None,
        content: bytes | None = None,
        style_weights: tuple[float, ...] | None = None,
        masks: dict[int, bytes] | None = None,
        watch: Callable[[Image.Image], None] | None = None,
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
        seen = 0
        while watch and not job.finished:
            job.advance()
            if job.progress.step > seen:
                seen = job.progress.step
                watch(Image.open(io.BytesIO(job.preview().data)))
        job.run()
        return Image.open(io.BytesIO(job.result().data))

    return paint


def main(names: list[str]) -> None:
    """Makes the sheets named, or all that take no network and no minutes."""
    paint = painter_with(ROOT / "model_store" / "vgg19.safetensors")
    for name in names or [name for name in SHEETS if name not in APART]:
        if name == "forming":
            path = PICTURES / "forming.webp"
            first, *rest = forming(paint)
            first.save(path, save_all=True, append_images=rest, duration=160, loop=0, quality=60)
        else:
            path = PICTURES / f"{name}.jpg"
            SHEETS[name](paint).convert("RGB").save(path, quality=86, optimize=True, subsampling=0)
        print(path.relative_to(ROOT), flush=True)


def _row(cells: list[tuple[str, dict[str, Any]]], paint: Paint) -> Image.Image:
    return contact_sheet([[Tile(label, paint(**given)) for label, given in cells]], CELL)


def _sky() -> Image.Image:
    """White where it is pale, not warm, and leads to the upper edge: down to the water's haze."""
    photo = Image.open(PHOTO).convert("RGB").filter(ImageFilter.MedianFilter(3))
    red, _, blue = np.asarray(photo).astype(int).transpose(2, 0, 1)
    is_pale = (np.asarray(ImageOps.grayscale(photo)) > _PALE) & (blue >= red)
    open_sky = Image.fromarray(is_pale.astype(np.uint8) * 255).copy()
    for x in range(0, photo.width, 4):
        if open_sky.getpixel((x, 0)) == 255:
            ImageDraw.floodfill(open_sky, (x, 0), 128)
    sky = open_sky.point([255 * (value == 128) for value in range(256)])
    return sky.filter(ImageFilter.MedianFilter(5)).filter(ImageFilter.GaussianBlur(1))


def _cropped(photo: Image.Image) -> Image.Image:
    """Three by two, at HERO_CELL's width, from the upper part of what is higher."""
    size = (HERO_CELL, HERO_CELL * 2 // 3)
    return ImageOps.fit(photo.convert("RGB"), size, Image.Resampling.LANCZOS, centering=(0.5, 0.03))


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
