"""`bruno sheet`: photos by styles, or one painting after more and more steps, on one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click
from PIL import Image

from bruno.cli.display import Bar
from bruno.cli.files import check_output, labels, made_folder, pictures_in, write
from bruno.cli.flags import format_for
from bruno.cli.grids import FILE_OR_FOLDER, sheet_flags, write_sheet
from bruno.cli.help import Command
from bruno.cli.many import paint_all, painting_names
from bruno.client import Bruno
from bruno.events import Preview, Progress
from bruno.options import Request
from bruno.painting import Painting
from bruno.sheet import Tile, thumbnail
from bruno.tasks import Task

Pair = tuple[Path, Path]

_SHORTEST_PREVIEW_PAUSE: Final = 0.25


def _step_counts(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    counts = [int(part) if part.isdecimal() else 0 for part in parts]
    if not all(counts):
        raise click.BadParameter(f"{text!r} must be whole numbers from 1 with commas between them")
    return counts


@click.command(cls=Command)
@click.argument("photos", type=FILE_OR_FOLDER)
@click.argument("styles", type=FILE_OR_FOLDER)
@click.option(
    "--paintings",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where paintings are kept.",
)
@click.option(
    "--over",
    type=_step_counts,
    metavar="STEPS",
    help="One painting after these steps, such as 100,200,400.",
)
@sheet_flags
def sheet(
    client: Bruno,
    photos: Path,
    styles: Path,
    paintings: Path | None,
    over: Sequence[int] | None,
    output: Path,
    force: bool,
    at_once: int,
    cell: int,
    options: Request,
) -> None:
    """Lay photos, styles and their paintings out on one contact sheet.

    PHOTOS and STYLES are folders or files. What a batch left in the folder of paintings is
    used; the rest is painted, and kept there.
    """
    check_output(output, force)
    format = format_for(output, None)
    if over:
        rows, code = [_over_steps(client, photos, styles, over, cell, options)], 0
    else:
        rows, code = _photos_by_styles(client, photos, styles, paintings, at_once, cell, options)
    write_sheet(output, rows, cell, format)
    click.get_current_context().exit(code)


def _photos_by_styles(
    client: Bruno,
    photos: Path,
    styles: Path,
    folder: Path | None,
    at_once: int,
    cell: int,
    options: Request,
) -> tuple[list[list[Tile]], int]:
    across, down = _heads(styles, cell), _heads(photos, cell)
    names = painting_names(photos, styles, options)
    painted = _painted_before(folder, names, cell) if folder else {}

    def keep(pair: Pair, painting: Painting) -> None:
        painted[pair] = thumbnail(painting.data, cell)
        if folder:
            write(folder / names[pair], painting.data)

    missing = {
        (photo, style): Task(str(photo), str(style), options)
        for photo, style in names
        if (photo, style) not in painted
    }
    code = paint_all(client, missing, at_once, keep)
    rows = [
        [head, *(Tile("", painted.get((photo, style))) for style in across)]
        for photo, head in down.items()
    ]
    return [[Tile(), *across.values()], *rows], code


def _painted_before(folder: Path, names: Mapping[Pair, str], cell: int) -> dict[Pair, Image.Image]:
    made_folder(folder)
    return {
        pair: thumbnail(folder / name, cell)
        for pair, name in names.items()
        if (folder / name).exists()
    }


def _heads(path: Path, cell: int) -> dict[Path, Tile]:
    files = pictures_in(path)
    return {
        file: Tile(label, thumbnail(file, cell))
        for file, label in zip(files, labels(files), strict=True)
    }


def _over_steps(
    client: Bruno, photo: Path, style: Path, steps: Sequence[int], cell: int, options: Request
) -> list[Tile]:
    """The first preview at or after each of the steps; the painting itself for the last.

    A preview counts the steps of its level, the progress just before it those of all levels.
    """
    options = {
        "preview_every": _SHORTEST_PREVIEW_PAUSE,
        **options,
        "steps": max(steps),
    }
    left, tiles, now = sorted(steps)[:-1], [], 0
    with client.stream(photo, style, **options) as events, Bar() as bar:
        for event in events:
            bar.show(event)
            if isinstance(event, Progress):
                now = event.step
            elif isinstance(event, Preview) and left and now >= left[0]:
                tiles.append(Tile(f"{now} steps", thumbnail(event.data, cell)))
                left = [step for step in left if step > now]
            elif isinstance(event, Painting):
                tiles.append(Tile(f"{max(steps)} steps", thumbnail(event.data, cell)))
    return tiles
