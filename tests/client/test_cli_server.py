"""What the command line tells of the server."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from bruno.cli import cli

from .scripted_server import Scripted


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_health(scripted: Scripted) -> None:
    done = run("health", "--wait", 5)
    assert done.stdout == f"ready ({scripted.url}, cpu, 0 running)\n"
    assert json.loads(run("health", "--json").stdout)["name"] == "bruno"


def test_health_waits_for_a_server_that_starts(scripted: Scripted) -> None:
    loading = json.dumps({"code": 404, "type": "ModelNotFoundException", "message": "no"}).encode()
    scripted.script = [lambda reply: reply.whole(404, "application/json", loading)]
    assert run("health", "--wait", 5).exit_code == 0
    scripted.script = [lambda reply: reply.whole(404, "application/json", loading)]
    done = run("health", "--wait", 0.1)
    assert done.exit_code == 1
    assert "not ready after 0.1 s: TorchServe answered: no" in done.stderr


def test_options(scripted: Scripted) -> None:
    done = run("options")
    assert "alpha" in done.stdout
    assert "1,000,000" in done.stdout
    assert json.loads(run("options", "--json").stdout)["options"][0]["name"] == "alpha"
