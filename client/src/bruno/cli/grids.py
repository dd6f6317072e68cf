"""What `bruno sheet` and `bruno compare` share: their flags, and one picture of many paintings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from bruno.cli.files import write
from bruno.cli.flags import Command, at_once_flag, force_flag, painter_flags, request_flags
from bruno.sheet import Tile, contact_sheet
from bruno.unfinished import encoded

FILE_OR_FOLDER: Final = click.Path(exists=True, path_type=Path)
"""A file, or a folder of them."""

_FLAGS: Final = (
    click.option(
        "-o", "--output", type=click.Path(path_type=Path), default="sheet.png", show_default=True
    ),
    force_flag,
    at_once_flag,
    click.option(
        "--cell", type=click.IntRange(32), default=256, show_default=True, help="Pixels of a cell."
    ),
    painter_flags,
    request_flags,
)


def sheet_flags(command: Command) -> Command:
    """Adds the flags of a sheet, and of the paintings that it takes, in the order of its help."""
    for flag in reversed(_FLAGS):
        command = flag(command)
    return command


def write_sheet(output: Path, rows: Sequence[Sequence[Tile]], cell: int, format: str) -> None:
    """Writes tiles as one picture, and tells its size."""
    image = contact_sheet(rows, cell)
    write(output, encoded(image, format))
    click.echo(f"{output}: {image.width} x {image.height}", err=True)
