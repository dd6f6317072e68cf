"""`bruno health` and `bruno options`: what the server tells of itself."""

from __future__ import annotations

import json

import click
from rich.console import Console
from rich.table import Table

from bruno.cli.flags import server_flags
from bruno.cli.help import Command
from bruno.client import Bruno


@click.command(cls=Command)
@click.option("--wait", type=float, help="Seconds to wait for a server that is starting.")
@click.option("--json", "as_json", is_flag=True, help="Print all that it tells of itself.")
@server_flags
def health(client: Bruno, wait: float | None, as_json: bool) -> None:
    """Tell whether the server is ready, busy or full."""
    if wait:
        client.wait_ready(wait)
    description = client.describe()
    if as_json:
        click.echo(json.dumps(description))
    else:
        device, running = description["device"], description["running"]
        click.echo(f"{description['health']} ({client.url}, {device}, {running} running)")


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
