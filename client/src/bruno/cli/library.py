"""`bruno styles`, and `--style`: the library of styles on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from bruno import styles as library
from bruno.cli.help import Command

Function = TypeVar("Function", bound=Callable[..., Any])


def _names(ctx: click.Context, flag: click.Parameter, word: str) -> list[CompletionItem]:
    """The names that a shell may finish a word to."""
    return [
        CompletionItem(style.name, help=style.title)
        for style in library.library()
        if style.name.startswith(word)
    ]


def style_flag(function: Function) -> Function:
    """Adds --style; the command gets `from_library`."""
    return click.option(
        "--style",
        "from_library",
        multiple=True,
        metavar="NAME",
        shell_complete=_names,
        help="A style of the library, such as mosaic; `bruno styles` lists them.",
    )(function)


def chosen_styles(files: Sequence[str], names: Sequence[str]) -> list[str]:
    """The pictures of all styles: files and URLs first, then those of the library."""
    if not files and not names:
        raise click.UsageError("Missing argument 'STYLE...', or --style NAME of the library")
    for file in files:
        if _is_name(file) and not Path(file).exists():
            raise click.UsageError(
                f"there is no file {file}; the library's style is asked for by --style {file}"
            )
    return [*files, *map(_picture, names)]


def _picture(name: str) -> str:
    if Path(name).is_file():
        click.echo(f"--style {name} is the file of that name here", err=True)
        return name
    return str(_fetched(name))


def _fetched(name: str) -> Path:
    style = library.find(name)
    if not library.is_here(name):
        click.echo(f"fetching {style.title} by {style.painter}", err=True)
    return library.fetch(name)


def _is_name(word: str) -> bool:
    return any(style.name == word for style in library.library())


@click.command(cls=Command)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=_names)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def styles(names: Sequence[str], as_json: bool) -> None:
    """List the library of styles; print the files of those named.

    Seven come with Bruno and need no network. The others are paintings in the public domain, that
    are fetched into a cache when they are first asked for; BRUNO_CACHE names its folder. Their
    addresses have not been tried.
    """
    if names:
        for name in names:
            click.echo(_fetched(name))
    elif as_json:
        click.echo(json.dumps([asdict(style) for style in library.library()]))
    else:
        Console().print(_table())
        click.echo("The first seven are under the MIT license, the others in the public domain.")


def _table() -> Table:
    # A name is there to be typed, so that it stays whole where the terminal is narrow.
    name = Column("name", no_wrap=True)
    table = Table(name, "title", "painter", "year", "here", box=SIMPLE_HEAD)
    for style in library.library():
        here = "yes" if library.is_here(style.name) else "to be fetched"
        table.add_row(style.name, style.title, style.painter, str(style.year), here)
    return table
