"""Tokens and key files: where they come from, and what happens when one is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bruno import Bruno, InvalidInput, Unauthorized

from .conftest import Folder
from .scripted_server import Reply, Scripted, paint


def refuse(reply: Reply) -> None:
    """As TorchServe does: with 400."""
    said = {"code": 400, "type": "InvalidKeyException", "message": "Token Authorization failed."}
    reply.whole(400, "application/json", json.dumps(said).encode())


def key_file(path: Path, key: str) -> None:
    path.write_text(json.dumps({"inference": {"key": key, "expiration time": "soon"}}))


def only_with(token: str) -> Callable[[Reply], None]:
    def script(reply: Reply) -> None:
        (paint if reply.headers["Authorization"] == f"Bearer {token}" else refuse)(reply)

    return script


def test_an_expired_key_is_read_anew(
    scripted: Scripted, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = folder.path / "key_file.json"
    monkeypatch.setenv("BRUNO_KEY_FILE", str(keys))
    key_file(keys, "old")
    bruno = Bruno()
    scripted.script = [only_with("old"), only_with("new"), only_with("new")]
    bruno.paint("photo.jpg", "starry-night.jpg")
    key_file(keys, "new")
    bruno.paint("photo.jpg", "starry-night.jpg")
    assert len(scripted.requests) == 3


@pytest.mark.parametrize("keys", [{"token": "wrong"}, {"key_file": "key_file.json"}, {}])
def test_a_refused_key_that_stays_is_told(
    scripted: Scripted, folder: Folder, keys: dict[str, str]
) -> None:
    key_file(folder.path / "key_file.json", "wrong")
    scripted.script = [only_with("right")]
    with pytest.raises(Unauthorized, match="BRUNO_TOKEN or BRUNO_KEY_FILE"):
        Bruno(**keys).paint("photo.jpg", "starry-night.jpg")
    assert len(scripted.requests) == 1


def test_a_token_given_wins_over_the_environment(
    scripted: Scripted, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRUNO_TOKEN", "other")
    scripted.script = [only_with("mine")]
    assert Bruno(token="mine").health() == "ready"  # noqa: S106 - no secret


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read: No such file"), ("{}", "holds no inference key"), ("x", "no inf")],
)
def test_a_key_file_without_a_key(
    scripted: Scripted, folder: Folder, content: str | None, words: str
) -> None:
    if content:
        (folder.path / "keys.json").write_text(content)
    with pytest.raises(InvalidInput, match=f"the key file keys.json .*{words}"):
        Bruno(key_file="keys.json").health()


def test_waiting_for_a_key_file(scripted: Scripted, folder: Folder) -> None:
    timer = threading.Timer(0.2, key_file, (folder.path / "keys.json", "right"))
    timer.start()
    scripted.script = [only_with("right")]
    Bruno(key_file="keys.json").wait_ready(10)
    timer.join()
    scripted.script = [only_with("other")]
    with pytest.raises(Unauthorized):
        Bruno(key_file="keys.json").wait_ready(10)
