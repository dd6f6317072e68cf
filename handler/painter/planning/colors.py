"""The colors of a request: the palette that was sent, and what the painting is to have of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from torch import Tensor

from painter.errors import OutOfRange
from painter.options.request import Request
from painter.pictures.color import photos_chroma
from painter.pictures.moments import Moments, moments, together
from painter.pictures.oklab import to_oklab
from painter.pictures.picture import Picture, Read, decode, resize, resize_picture
from painter.planning.pyramid import fit
from painter.planning.style import Style

# Means and covariances need no more of it.
_PALETTE_SIDE: Final = 512

Part = tuple[Tensor | None, Sequence[tuple[float, Style]]]


def read_palette(request: Request, adjusted: list[str], read: Read) -> Picture | None:
    """The picture whose colors are taken instead of the styles'; None where none are.

    Raises PaintError; says where a palette is left out.
    """
    if request.palette is None:
        return None
    picture = decode(request.palette, "palette", read)
    if picture.alpha is not None and float(picture.alpha.max()) < 1 / 255:
        raise OutOfRange(
            "image_transparent",
            "palette must not be transparent everywhere, got alpha 0",
            "palette",
        )
    color = request.options.color
    if color in ("match", "luminance"):
        adjusted.append(f"palette: left out, since color is {color}")
        return None
    return resize_picture(picture, fit(picture.shape, min(_PALETTE_SIDE, max(picture.shape))))


def chroma_of(photo: Picture, parts: Sequence[Part], palette: Picture | None) -> Tensor:
    """The photo's color axes [2, H, W], in each part with the moments of its styles' own.

    Of a palette's, where there is one.
    """
    if palette is not None:
        taken = _of_colors(palette, palette.alpha)
        wanted = [(mask, taken) for mask, _ in parts]
    else:
        wanted = [(mask, _of_styles(styles)) for mask, styles in parts]
    return photos_chroma(photo.pixels, wanted)


def _of_styles(styles: Sequence[tuple[float, Style]]) -> Moments:
    shares, parts = zip(
        *((share, _of_colors(style.picture, style.mask)) for share, style in styles), strict=True
    )
    return together(shares, parts)


def _of_colors(picture: Picture, counts: Tensor | None) -> Moments:
    small = fit(picture.shape, min(_PALETTE_SIDE, max(picture.shape)))
    if small != picture.shape:
        picture = resize_picture(picture, small)
        counts = None if counts is None else resize(counts, small)
    return moments(to_oklab(picture.pixels)[1:], counts)
