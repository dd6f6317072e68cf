"""The flags that commands share: the server's, and one for every option of the table."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, cast, get_args, get_origin

import click

from bruno.cli.completion import files
from bruno.cli.help import help_all_flag
from bruno.client import Bruno
from bruno.options import OPTIONS, REQUEST, TYPES, Request
from bruno.painting import FORMATS
from bruno.protocol.exchange import DEFAULT_PATIENCE

Command = TypeVar("Command", bound=Callable[..., Any])

_CONVERTERS: Final[dict[Any, Any]] = {bool: click.BOOL, int: click.INT, float: click.FLOAT}


def numbers(text: str) -> float | list[float]:
    """One number, or several with commas between them."""
    try:
        several = [float(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"{text!r} must be numbers with commas between them") from None
    return several if len(several) > 1 else several[0]


def _numbered_picture(text: str) -> tuple[int, str]:
    number, equals, picture = text.partition("=")
    if not number.isdecimal() or not equals:
        raise click.BadParameter(f"{text!r} must be like 1=mask.png, 1 being the first style")
    return int(number), picture


_MASK: Final = {"type": _numbered_picture, "multiple": True, "metavar": "N=PICTURE"}
_PICTURE: Final = {"metavar": "PICTURE", "shell_complete": files}
_EXTRAS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "style_weights": ("--style-weights", {"type": numbers, "metavar": "NUMBER,…"}),
    "masks": ("--mask", _MASK),
    "style_masks": ("--style-mask", _MASK),
    "content_mask": ("--content-mask", _PICTURE),
    "canvas": ("--canvas", _PICTURE),
    "palette": ("--palette", _PICTURE),
}


def flag_type(name: str) -> Any:
    """How the text of an option's flag is read; what is left to the server stays text."""
    types = TYPES[name]
    if get_origin(types[0]) is Literal:
        return click.Choice(get_args(types[0]))
    if len(types) == 1:
        return _CONVERTERS[types[0]]
    return numbers if float in types else click.STRING


def request_flags(command: Command) -> Command:
    """Adds a flag for every option, mask and weight; the command gets them as `options`."""

    @functools.wraps(command)
    def gathered(**given: Any) -> Any:
        options = {name: given.pop(name) for name in (*OPTIONS, *_EXTRAS)}
        options["masks"] = dict(options["masks"])
        options["style_masks"] = dict(options["style_masks"])
        if isinstance(options["style_weights"], float):
            options["style_weights"] = [options["style_weights"]]
        chosen = {name: value for name, value in options.items() if value not in (None, {})}
        return command(options=cast(Request, chosen), **given)

    for name, (flag, settings) in reversed(_EXTRAS.items()):
        click.option(flag, name, help=REQUEST[name].sentence(), **settings)(gathered)
    for name in reversed(list(OPTIONS)):
        _option_flag(name)(gathered)
    return cast(Command, help_all_flag(gathered))


def _option_flag(name: str) -> Callable[[Command], Command]:
    word, option, kind = name.replace("_", "-"), OPTIONS[name], flag_type(name)
    flag = f"--{word}/--no-{word}" if kind is click.BOOL else f"--{word}"
    help = option.help if isinstance(kind, click.Choice) else option.sentence()
    return click.option(flag, name, type=kind, help=help, default=None)


def server_flags(command: Command) -> Command:
    """Adds the flags that name the server; the command gets its `client`."""

    @click.option("--url", help="The server; else BRUNO_URL, else http://127.0.0.1:8080.")
    @click.option("--token", help="Its token; else BRUNO_TOKEN.")
    @click.option(
        "--key-file",
        help="The server's key_file.json; else BRUNO_KEY_FILE.",
        shell_complete=files,
    )
    @functools.wraps(command)
    def connected(
        url: str | None,
        token: str | None,
        key_file: str | None,
        patience: float = DEFAULT_PATIENCE,
        **given: Any,
    ) -> Any:
        client = Bruno(url, token=token, key_file=key_file, patience=patience)
        return command(client=client, **given)

    return cast(Command, connected)


def painter_flags(command: Command) -> Command:
    """Adds the flags that name a server that is to paint; the command gets its `client`."""
    help = f"How long a server that is full is waited for; {DEFAULT_PATIENCE:g} by default."
    patience = click.option(
        "--patience",
        type=click.FloatRange(min=0),
        default=DEFAULT_PATIENCE,
        metavar="SECONDS",
        help=help,
    )
    return patience(server_flags(command))


at_once_flag = click.option("--at-once", type=click.IntRange(1), default=2, show_default=True)


def force_flag(command: Command) -> Command:
    """Adds --force; the command gets `force`."""
    help = "Paint over an output file that is there, without asking."
    return click.option("-f", "--force", is_flag=True, help=help)(command)


def format_for(path: Path, given: str | None) -> str:
    """The format that a file's suffix asks for; the one given where both agree."""
    formats = FORMATS.get(path.suffix.lower())
    if not formats:
        raise click.UsageError(f"-o must end in {', '.join(FORMATS)}, got {path.name}")
    if given and given not in formats:
        raise click.UsageError(f"--format {given} does not go with the name {path.name}")
    return given or formats[0]
