"""What `--help` tells: flags in sections, and those that few need under `--help-all`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import click

from bruno.options import REQUEST

Function = TypeVar("Function", bound=Callable[..., Any])

_OWN: Final = "Options"
_FINE: Final = "Fine control"
_SECTIONS: Final = {
    "Look": (
        "preset",
        "alpha",
        "beta",
        "size",
        "steps",
        "style_scale",
        "color",
        "color_strength",
        "palette",
        "seed",
        "max_seconds",
    ),
    "Several styles, and masks": ("style_weights", "masks", "style_masks", "content_mask"),
    _FINE: ("canvas",),
    "File": ("format", "quality"),
    "Server": ("url", "token", "key_file"),
}
_SECTION_OF: Final = {name: title for title, names in _SECTIONS.items() for name in names}

_COMMANDS: Final = {
    "Paint": ("paint", "batch", "studio"),
    "Compare": ("sheet", "compare"),
    "Find out": ("styles", "options", "health"),
}
_OTHERS: Final = "More"

ENDS: Final = {
    0: "all is painted, or told",
    1: "the server failed, cannot be reached, or is full; in a batch: some paintings failed",
    2: "a mistake of the command's: an unknown flag, a picture or value that cannot be used",
    3: "`health` alone: the server is busy, and one more painting would wait",
    4: "`health` alone: it is full",
    5: "`health` alone: it is warming up, or its worker is being started anew",
    6: "`health` alone: it is draining, and takes nothing in any more",
    7: "`health` alone: it is broken, and has to be started anew",
    130: "Ctrl-C; the canvas so far is kept beside the output",
}
"""What each exit code of every command means."""


class Command(click.Command):
    """A command whose flags are told in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the sections; fine control only where all is asked for."""
        records: dict[str, list[tuple[str, str]]] = {title: [] for title in (_OWN, *_SECTIONS)}
        for flag in self.get_params(ctx):
            record = flag.get_help_record(ctx)
            if record and isinstance(flag, click.Option):
                records[_section(flag)].append(record)
        if not ctx.meta.get(__name__):
            records.pop(_FINE)
        for title, told in records.items():
            if told:
                with formatter.section(title):
                    formatter.write_dl(told)


def _section(flag: click.Option) -> str:
    name = flag.name or ""
    return _SECTION_OF.get(name, _FINE if name in REQUEST else _OWN)


def help_all_flag(function: Function) -> Function:
    """Adds --help-all, for a command with fine control."""
    help = "Show every flag, those that few need too, and exit."
    return click.option(
        "--help-all", is_flag=True, is_eager=True, expose_value=False, callback=_tell, help=help
    )(function)


def _tell(ctx: click.Context, flag: click.Parameter, asked: bool) -> None:
    if asked:
        ctx.meta[__name__] = True
        click.echo(ctx.get_help())
        ctx.exit()


class Commands(click.Group):
    """Commands told in sections, and below them what holds for all."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the sections of commands."""
        for title, names in self._sections():
            with formatter.section(title):
                formatter.write_dl(
                    [(name, self.commands[name].get_short_help_str(80)) for name in names]
                )

    def _sections(self) -> Iterator[tuple[str, list[str]]]:
        left = dict(self.commands)
        for title, names in _COMMANDS.items():
            yield title, [name for name in names if left.pop(name, None)]
        yield _OTHERS, list(left)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes what the environment and the exit codes mean."""
        with formatter.section("Environment"):
            formatter.write_dl(
                [
                    ("BRUNO_URL", "the server, if not http://127.0.0.1:8080"),
                    ("BRUNO_TOKEN", "its token, or"),
                    ("BRUNO_KEY_FILE", "the server's key_file.json, read anew when it changes"),
                    ("BRUNO_CACHE", "where fetched styles are kept"),
                ]
            )
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in ENDS.items()])
