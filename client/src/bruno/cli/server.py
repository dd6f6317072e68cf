"""`bruno health` and `bruno options`: what the server tells of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from bruno.cli.flags import server_flags
from bruno.cli.help import Command
from bruno.client import Bruno
from bruno.errors import ServerFullError
from bruno.protocol.states import State
from bruno.records import Description

CODES: Final[Mapping[State, int]] = {
    "ready": 0,
    "busy": 3,
    "full": 4,
    "warming": 5,
    "draining": 6,
    "broken": 7,
}


@click.command(cls=Command)
@click.option("--wait", type=float, help="Seconds to wait for a server that is starting.")
@click.option("--json", "as_json", is_flag=True, help="Print all that it tells of itself.")
@server_flags
def health(client: Bruno, wait: float | None, as_json: bool) -> None:
    """Tell whether the server is ready, busy, full, warming, draining or broken.

    Each has an exit code of its own: see `bruno --help`.
    """
    if wait:
        client.wait_ready(wait)
    state = client.state()
    description = _description(client) if state in ("ready", "busy", "full") else None
    if as_json:
        click.echo(json.dumps(description or {"health": state}))
    elif description is None:
        click.echo(f"{state} ({client.url})")
    else:
        device, running = description["device"], description["running"]
        click.echo(f"{state} ({client.url}, {device}, {running} running)")
    click.get_current_context().exit(CODES[state])


def _description(client: Bruno) -> Description | None:
    """What the server tells of itself; a TorchServe that is full may not."""
    try:
        return client.describe()
    except ServerFullError:
        return None


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@server_flags
def options(client: Bruno, as_json: bool) -> None:
    """List the options with the server's defaults and bounds."""
    description = client.describe()
    if as_json:
        click.echo(
            json.dumps({"options": description["options"], "presets": description["presets"]})
        )
        return
    table = Table("option", "default", "allowed", "meaning")
    for option in description["options"]:
        default = option["default"]
        shown = default if isinstance(default, str) else json.dumps(default)
        table.add_row(option["name"], shown, option["allowed"], option["help"])
    console = Console()
    console.print(table)
    for name, values in description["presets"].items():
        console.print(f"preset {name}: {json.dumps(values)}", highlight=False, markup=False)
