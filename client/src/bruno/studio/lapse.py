"""A canvas that forms, as a short film: an animated WebP of its previews."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from typing import Final

from PIL import Image

SIDE: Final = 640
_FRAMES_MOST: Final = 96
_BYTES_MOST: Final = 8 * 2**20
_PLAYS_MS: Final = 6000
_FRAME_MS: Final = (60, 500)
_LAST_MS: Final = 2000
_QUALITY: Final = 80


@dataclass(frozen=True)
class Film:
    """The previews of a painting, small JPEGs, of which every `pace`-th is kept.

    Where there are too many, every second one goes, and half as many come.
    """

    frames: tuple[bytes, ...] = field(default=(), repr=False)
    pace: int = 1
    seen: int = 0

    @property
    def size(self) -> int:
        """Bytes of all frames."""
        return sum(map(len, self.frames))

    def after(self, frame: bytes) -> Film:
        """With one more."""
        is_kept = self.seen % self.pace == 0
        frames = (*self.frames, frame) if is_kept else self.frames
        film = replace(self, frames=frames, seen=self.seen + 1)
        while film._holds_too_much():
            film = replace(film, frames=film.frames[::2], pace=2 * film.pace)
        return film

    def _holds_too_much(self) -> bool:
        several = len(self.frames) > 1
        return len(self.frames) > _FRAMES_MOST or (several and self.size > _BYTES_MOST)


def time_lapse(film: Film, last: bytes) -> bytes:
    """The film as an animated WebP that ends with `last`, a picture in a file's bytes.

    At most 640 px on its longest side; it plays about six seconds, over and over.
    """
    end = _opened(last)
    end.thumbnail((SIDE, SIDE))
    frames = [_opened(frame).resize(end.size, Image.Resampling.BICUBIC) for frame in film.frames]
    shortest, longest = _FRAME_MS
    pace = max(shortest, min(longest, _PLAYS_MS // max(1, len(frames))))
    first, *rest = [*frames, end]
    file = io.BytesIO()
    first.save(
        file,
        "WEBP",
        save_all=True,
        append_images=rest,
        duration=[pace] * len(frames) + [_LAST_MS],
        loop=0,
        quality=_QUALITY,
        method=2,
    )
    return file.getvalue()


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")
