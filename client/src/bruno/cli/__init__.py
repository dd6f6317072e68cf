"""The command line: the SDK with a progress bar.

`help.ENDS` has the exit codes.
"""

from __future__ import annotations

from typing import Any, Final

import click

from bruno.cli.compare import compare
from bruno.cli.completion import completion
from bruno.cli.help import Commands
from bruno.cli.library import styles
from bruno.cli.many import batch
from bruno.cli.paint import paint
from bruno.cli.server import health, options
from bruno.cli.sheet import sheet
from bruno.cli.studio import studio
from bruno.errors import AuthenticationError, BrunoError
from bruno.version import __version__

INTERRUPTED: Final = 130


class _UsersMistake(click.ClickException):
    exit_code = 2


class _Commands(Commands):
    """Commands whose errors are one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("canceled", err=True)
            ctx.exit(INTERRUPTED)
        except BrunoError as error:
            kind = _UsersMistake if error.users_mistake else click.ClickException
            raise kind(_told(error)) from None


def _told(error: BrunoError) -> str:
    if isinstance(error, AuthenticationError) and "BRUNO_TOKEN" not in str(error):
        return f"{error}; --token, BRUNO_TOKEN or BRUNO_KEY_FILE tells the one to use"
    return str(error)


@click.group(cls=_Commands)
@click.version_option(__version__, prog_name="bruno")
def cli() -> None:
    """Paint a photo in the style of any painting."""


for _command in (paint, batch, sheet, compare, health, options, styles, studio, completion):
    cli.add_command(_command)


def main() -> None:
    """Runs the command line."""
    cli(prog_name="bruno")
