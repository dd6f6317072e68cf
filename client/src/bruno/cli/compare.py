"""`bruno compare`: one photo over the values of two options, as one grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import click
from click.types import convert_type
from PIL import Image

from bruno.cli.files import check_output
from bruno.cli.flags import flag_type, format_for
from bruno.cli.grids import FILE_OR_FOLDER, sheet_flags, write_sheet
from bruno.cli.help import Command
from bruno.cli.many import paint_all
from bruno.client import Bruno
from bruno.options import OPTIONS, Request
from bruno.painting import Painting
from bruno.sheet import Tile, thumbnail
from bruno.tasks import Task

Axis = dict[str, tuple[str, Any]]


def axis(text: str) -> Axis:
    """What each label stands for, from OPTION=VALUE,VALUE,…

    Values that hold commas, as layers do, have semicolons between them.
    """
    word, equals, listed = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} must be like alpha=0.1,1,10")
    name = word.replace("-", "_")
    if name not in OPTIONS:
        raise click.BadParameter(f"there is no option {word}")
    kind = convert_type(flag_type(name))
    values = listed.split(";" if ";" in listed else ",")
    return {f"{word} {value}": (name, kind.convert(value, None, None)) for value in values}


@click.command(cls=Command)
@click.argument("photo", type=FILE_OR_FOLDER)
@click.argument("style", type=FILE_OR_FOLDER)
@click.option("--x", type=axis, required=True, help="The columns, such as alpha=0.1,1,10.")
@click.option("--y", type=axis, required=True, help="The rows, such as beta=5,20,80.")
@sheet_flags
def compare(
    client: Bruno,
    photo: Path,
    style: Path,
    x: Axis,
    y: Axis,
    output: Path,
    force: bool,
    at_once: int,
    cell: int,
    options: Request,
) -> None:
    """Paint one photo over the values of two options, as one grid."""
    if {name for name, _ in x.values()} & {name for name, _ in y.values()}:
        raise click.UsageError("--x and --y must name two options, got one twice")
    check_output(output, force)
    format = format_for(output, None)
    tasks = {
        (row, column): Task(
            str(photo), str(style), cast(Request, {**options, **dict([x[column], y[row]])})
        )
        for row in y
        for column in x
    }
    painted: dict[tuple[str, str], Image.Image] = {}

    def keep(place: tuple[str, str], painting: Painting) -> None:
        painted[place] = thumbnail(painting.data, cell)

    code = paint_all(client, tasks, at_once, keep)
    tiles = [[Tile(row), *(Tile("", painted.get((row, column))) for column in x)] for row in y]
    tiles.insert(0, [Tile(), *map(Tile, x)])
    write_sheet(output, tiles, cell, format)
    click.get_current_context().exit(code)
