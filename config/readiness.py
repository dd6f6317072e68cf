"""Wait until a server answers that it can paint, or tell why it never will."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from http.client import HTTPException
from threading import Event
from typing import Any

from server_process import ServerProcess, loopback_url
from settings import SERVERS, Settings, StartError

POLL_SECONDS = 0.25
ANSWER_SECONDS = 3.0
CAUSE = re.compile(r"^\S+ (?:\w+ +)?((?:[\w.]+\.)?\w*(?:Error|Exception)\b.*)$", re.MULTILINE)
FAILURE = re.compile("Load model failed|Failed to load model")


class Stopped(Exception):
    """The person stopped the server before it was ready."""


def wait_until_ready(
    process: ServerProcess, settings: Settings, seconds: float, stopping: Event
) -> str:
    """The token for inference, once the server says that its health is `ready`.

    Raises StartError when the server or its worker dies or `seconds` pass, Stopped when
    `stopping` is set.
    """
    deadline = time.monotonic() + seconds
    while not stopping.wait(POLL_SECONDS):
        if process.exit_code is not None:
            name, why = SERVERS[settings.server], last_words(process, "process", "server")
            raise StartError(f"{name} ended at once: {why}")
        if FAILURE.search(process.log("server")):
            raise StartError(f"The worker died: {last_words(process, 'worker', 'server')}")
        token = _ready_token(process, settings)
        if token:
            return token
        if time.monotonic() > deadline:
            raise StartError(
                f"No worker was ready within {seconds:g} s: {last_words(process, 'worker')}"
            )
    raise Stopped


def _ready_token(process: ServerProcess, settings: Settings) -> str | None:
    try:
        keys = json.loads(process.key_file.read_text())
        inference: str = keys["inference"]["key"]
        if settings.server == "asgi":
            told = ask(f"{settings.url}/health", inference)
            return inference if told and told["health"] == "ready" else None
        management = inference if settings.token else keys["management"]["key"]
    except (OSError, ValueError, KeyError):
        return None
    # Asked first because it answers at once; a painting asked too early would wait in the queue.
    model = ask(f"{loopback_url(settings, 'management')}/models/bruno", management)
    if not model or model[0]["workers"][0]["status"] != "READY":
        return None
    told = ask(f"{settings.url}/predictions/bruno", inference, {"describe": True})
    return inference if told and told["health"] == "ready" else None


def ask(url: str, token: str, body: dict[str, Any] | None = None) -> Any:
    """The JSON answered with 200; None for every other status, silence or nonsense."""
    request = urllib.request.Request(  # noqa: S310
        url,
        json.dumps(body).encode() if body else None,
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
            return json.load(answer) if answer.status == 200 else None
    except (OSError, ValueError, HTTPException):
        return None


def last_words(process: ServerProcess, *names: str) -> str:
    """Why it ended: the first exception in its logs, from which the later ones follow."""
    text = "".join(process.log(name) for name in names)
    found = CAUSE.search(text)
    if found:
        return found[1]
    lines = text.splitlines() or ["nothing"]
    return f"it gave no reason, and its log ends with: {lines[-1]}"
