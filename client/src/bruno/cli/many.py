"""`bruno batch`: many paintings, a few at a time; what is painted is skipped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import TypeVar

import click

from bruno.cli.display import Board
from bruno.cli.files import labels, made_folder, pictures_in, write
from bruno.cli.flags import at_once_flag, painter_flags, request_flags
from bruno.cli.help import Command
from bruno.cli.painted import unpainted
from bruno.client import Bruno
from bruno.events import Event
from bruno.options import Request
from bruno.painting import FORMATS, Painting
from bruno.tasks import Task

Place = TypeVar("Place")


@click.command(cls=Command)
@click.argument("photos", type=click.Path(exists=True, path_type=Path))
@click.argument("styles", type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("-f", "--force", is_flag=True, help="Paint all, what is painted already too.")
@at_once_flag
@painter_flags
@request_flags
def batch(
    client: Bruno,
    photos: Path,
    styles: Path,
    output: Path,
    force: bool,
    at_once: int,
    options: Request,
) -> None:
    """Paint every photo in every style into a folder.

    PHOTOS and STYLES are folders or files. Run again, it paints what is missing, and anew what
    was painted with other options or of other pictures, as the files' own records tell; files
    without a record are left alone.
    """
    made_folder(output)
    wanted = {
        output / name: Task(str(photo), str(style), options)
        for (photo, style), name in painting_names(photos, styles, options).items()
    }
    missing = wanted if force else unpainted(client, wanted, options)
    code = paint_all(client, missing, at_once, lambda path, painting: write(path, painting.data))
    click.get_current_context().exit(code)


def painting_names(photos: Path, styles: Path, options: Request) -> dict[tuple[Path, Path], str]:
    """The file name of the painting of every photo in every style."""
    format = options.get("format") or "png"
    suffix = next(suffix for suffix, formats in FORMATS.items() if format in formats)
    photo_files, style_files = pictures_in(photos), pictures_in(styles)
    photo_labels, style_labels = labels(photo_files), labels(style_files)
    pairs = product(photo_files, style_files)
    names = [f"{photo}--{style}{suffix}" for photo, style in product(photo_labels, style_labels)]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise click.UsageError(f"two paintings would be called {twice}: rename a photo or a style")
    return dict(zip(pairs, names, strict=True))


def paint_all(
    client: Bruno,
    tasks: Mapping[Place, Task],
    at_once: int,
    keep: Callable[[Place, Painting], None],
) -> int:
    """Paints and keeps them one by one; returns the exit code that the failures ask for."""
    places = {id(task): place for place, task in tasks.items()}

    def show(task: Task, event: Event) -> None:
        board.end(_told(places[id(failed.task)]) for failed in results.failures)
        board.show(_told(places[id(task)]), event)

    results = client.run(tasks.values(), at_once=at_once, on_event=show)
    with Board(len(tasks)) as board, results:
        for done, finished in enumerate(results, start=1):
            place = places[id(finished.task)]
            keep(place, finished.painting)
            board.end([_told(place)])
            click.echo(f"{done} of {len(tasks)}: {_told(place)}", err=True)
    for failed in results.failures:
        click.echo(f"failed: {_told(places[id(failed.task)])}: {failed.error}", err=True)
    if not results.failures:
        return 0
    return 2 if all(failed.error.users_mistake for failed in results.failures) else 1


def _told(place: object) -> str:
    return ", ".join(map(str, place)) if isinstance(place, tuple) else str(place)
