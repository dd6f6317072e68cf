"""Sheets to look at: one for each style, a row for each photo, a column for each method."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from bruno.sheet import Tile, contact_sheet
from judges.standard import Kept, Pair


def write_sheets(
    kept: Kept, pairs: Sequence[Pair], methods: Sequence[str], size: int, folder: Path
) -> list[Path]:
    """JPEG files STYLE.jpg of what was painted; a place is left empty where nothing was."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for style in dict.fromkeys(pair.style for pair in pairs):
        rows = [
            _row(kept, pair, [name for name in methods if name != "photo"], size)
            for pair in pairs
            if pair.style == style
        ]
        path = folder / f"{style.stem}.jpg"
        contact_sheet(rows, size).save(path, quality=92)
        written.append(path)
    return written


def _row(kept: Kept, pair: Pair, methods: Sequence[str], size: int) -> list[Tile]:
    row = [Tile(path.stem, _opened(path)) for path in (pair.content, pair.style)]
    for name in methods:
        path = kept.painting(pair.name, name, size)
        row.append(Tile(name, _opened(path)) if path.exists() else Tile(name))
    return row


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")
