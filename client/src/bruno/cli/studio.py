"""`bruno studio`: the page in the browser."""

from __future__ import annotations

import signal
import threading
from typing import Final

import click

from bruno.cli.flags import painter_flags
from bruno.cli.help import Command
from bruno.client import Bruno

_PORT: Final = 7860


@click.command(cls=Command)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Where the page is served; whoever reaches it can paint.",
)
@click.option("--port", default=_PORT, show_default=True, type=click.IntRange(1, 65535))
@painter_flags
def studio(client: Bruno, host: str, port: int) -> None:
    """Serve a page where a photo becomes a painting; Ctrl-C ends it."""
    try:
        from bruno.studio.app import serve
    except ModuleNotFoundError as missing:
        raise click.UsageError(
            f"the studio needs {missing.name}: pip install './client[studio]' in a clone of Bruno"
        ) from None
    ended = threading.Event()
    with serve(client, host, port) as address:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: ended.set())
        click.echo(f"The studio is at {address} and paints with {client.url}. Ctrl-C ends it.")
        ended.wait()
