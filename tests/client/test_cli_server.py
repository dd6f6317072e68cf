"""What the command line tells of the server."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from bruno.cli import cli
from bruno.cli.server import CODES
from bruno.protocol.states import State

from .scripted_server import Reply, Scripted, problem, refuse


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


def say(word: str) -> Callable[[Reply], None]:
    """What the ASGI server answers on /health."""
    status = 200 if word in ("ready", "busy", "full") else 503
    body = json.dumps({"health": word}).encode()
    return lambda reply: reply.whole(status, "application/json", body)


@pytest.mark.parametrize("word", CODES)
def test_every_state_has_a_word_and_a_code(scripted: Scripted, word: State) -> None:
    scripted.paths["/health"] = say(word)
    done = run("health")
    assert (done.stdout.split()[0], done.exit_code) == (word, CODES[word])
    assert json.loads(run("health", "--json").stdout)["health"]


def torchserve_says(status: int, kind: str) -> Callable[[Reply], None]:
    said = json.dumps({"code": status, "type": kind, "message": "no"}).encode()
    return lambda reply: reply.whole(status, "application/json", said)


@pytest.mark.parametrize(
    ("answer", "ping", "word"),
    [
        (torchserve_says(404, "ModelNotFoundException"), 200, "warming"),
        (torchserve_says(503, "ServiceUnavailableException"), 200, "full"),
        (torchserve_says(500, "InternalServerException"), 200, "warming"),
        (torchserve_says(500, "InternalServerException"), 500, "broken"),
        (Reply.hang_up, 200, "warming"),
        (Reply.hang_up, 500, "broken"),
    ],
)
def test_torchserve_tells_its_state_in_words_of_its_own(
    scripted: Scripted, answer: Callable[[Reply], None], ping: int, word: State
) -> None:
    scripted.paths["/ping"] = lambda reply: reply.whole(ping, "application/json", b"{}")
    scripted.script = [answer, answer]
    done = run("health")
    assert (done.stdout.split()[0], done.exit_code) == (word, CODES[word])


def test_a_wrong_token_is_no_state(scripted: Scripted) -> None:
    scripted.script = [refuse]
    done = run("health")
    assert done.exit_code == 2
    assert "the server refused the token" in done.stderr
    said = json.dumps(problem(401, "unauthorized", "the token is missing or wrong")).encode()
    scripted.script = [lambda reply: reply.whole(401, "application/problem+json", said)]
    assert run("options").stderr == (
        "Error: the token is missing or wrong; "
        "--token, BRUNO_TOKEN or BRUNO_KEY_FILE tells the one to use\n"
    )


def test_options(scripted: Scripted) -> None:
    done = run("options")
    assert "alpha" in done.stdout
    assert "1,000,000" in done.stdout
    assert json.loads(run("options", "--json").stdout)["options"][0]["name"] == "alpha"
