"""`bruno paint`: one painting."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import click

from bruno.cli.completion import files
from bruno.cli.display import Bar, print_json
from bruno.cli.files import check_output
from bruno.cli.flags import force_flag, format_for, painter_flags, request_flags
from bruno.cli.help import Command
from bruno.cli.library import chosen_styles, style_flag
from bruno.cli.like import options_like, warn_of_differences
from bruno.cli.output import Output
from bruno.client import Bruno
from bruno.events import Event
from bruno.inputs import read_picture
from bruno.options import Request
from bruno.painting import Painting, read_record
from bruno.protocol.exchange import DEFAULT_TIMEOUT
from bruno.stream import Stream


@click.command(cls=Command)
@click.argument("photo", shell_complete=files)
@click.argument("styles", nargs=-1, metavar="STYLE...", shell_complete=files)
@style_flag
@click.option(
    "-o",
    "--output",
    default="painting.png",
    show_default=True,
    help="Where to; - for stdout.",
    shell_complete=files,
)
@force_flag
@click.option(
    "--watch",
    is_flag=True,
    help="Show previews in the output file while the painting forms; what was there before comes "
    "back unless it is finished.",
)
@click.option("--json", "as_json", is_flag=True, help="Print every event as a line of JSON.")
@click.option(
    "--like",
    shell_complete=files,
    help="Take options and style weights from the record of this painting.",
)
@painter_flags
@request_flags
def paint(
    client: Bruno,
    photo: str,
    styles: Sequence[str],
    from_library: Sequence[str],
    output: str,
    force: bool,
    watch: bool,
    as_json: bool,
    like: str | None,
    options: Request,
) -> None:
    """Paint PHOTO in the style of one or more paintings.

    PHOTO and STYLE are files, http(s) URLs, or - for stdin; --style takes one of the library, and
    comes after them where there are several. A file of that name wins. The format follows from the
    output's suffix; flags left out are the server's to decide.

    An output file that is there already is asked about in a terminal, and refused elsewhere.
    After Ctrl-C, or when the server fails, the canvas so far is kept beside the output as
    NAME-so-far, with a record that says how far it is.
    """
    if output != "-":
        check_output(Path(output), force)
    styles = chosen_styles(styles, from_library)
    _check_streams([photo, *styles], output, watch, as_json)
    pictures = _read([photo, *styles])
    if like:
        record = read_record(like)
        options = options_like(record, options, output, len(styles))
        warn_of_differences(client, record, pictures, options)
    if output == "-":
        painting = _follow(client.stream(pictures[0], pictures[1:], **options), as_json)
        sys.stdout.buffer.write(painting.data)
    else:
        format = format_for(Path(output), options.get("format"))
        options = cast(Request, {**options, "format": format})
        events = client.stream(pictures[0], pictures[1:], **options)
        painting = _paint_into(Output(Path(output), format, watch), events, as_json)
    if as_json:
        print_json(painting, output=output)
    else:
        click.echo(_summary(painting, output), err=True)


def _check_streams(inputs: Sequence[str], output: str, watch: bool, as_json: bool) -> None:
    if inputs.count("-") > 1:
        raise click.UsageError("only one of the pictures can be -")
    if output == "-" and (watch or as_json):
        raise click.UsageError(f"{'--watch' if watch else '--json'} does not go with -o -")


def _read(inputs: Sequence[str]) -> list[bytes]:
    names = ["content", *(f"style_{number}" for number in range(1, len(inputs)))]
    return [
        sys.stdin.buffer.read() if given == "-" else read_picture(name, given, DEFAULT_TIMEOUT)
        for name, given in zip(names, inputs, strict=True)
    ]


def _paint_into(output: Output, events: Stream, as_json: bool) -> Painting:
    """Paints into a file; what ends before its time leaves its canvas beside it."""
    try:
        painting = _follow(events, as_json, output.see)
    except BaseException as end:
        output.leave("stopped" if isinstance(end, KeyboardInterrupt) else "broken off")
        raise
    output.finish(painting)
    return painting


def _follow(
    events: Stream, as_json: bool, see: Callable[[Event], None] = lambda event: None
) -> Painting:
    with events, Bar() as bar:
        for event in events:
            if isinstance(event, Painting):
                return event
            bar.show(event)
            if as_json:
                print_json(event)
            see(event)
    raise AssertionError("a stream ends with its painting")


def _summary(painting: Painting, output: str) -> str:
    record = painting.record
    return (
        f"{output}: {painting.width} x {painting.height}, {record['steps']} steps "
        f"in {record['seconds']:.1f} s, seed {painting.seed}"
    )
