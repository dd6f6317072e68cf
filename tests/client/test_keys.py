"""Tokens and key files: where they come from, and what happens when one is refused."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from bruno import AuthenticationError, InvalidInputError

from .both import Connect
from .conftest import Folder
from .scripted_server import Reply, Scripted, paint, refuse


def key_file(path: Path, key: str) -> None:
    path.write_text(json.dumps({"inference": {"key": key, "expiration time": "soon"}}))


def only_with(token: str) -> Callable[[Reply], None]:
    def script(reply: Reply) -> None:
        (paint if reply.headers["Authorization"] == f"Bearer {token}" else refuse)(reply)

    return script


def test_an_expired_key_is_read_anew(
    connect: Connect, scripted: Scripted, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = folder.path / "key_file.json"
    monkeypatch.setenv("BRUNO_KEY_FILE", str(keys))
    key_file(keys, "old")
    bruno = connect()
    scripted.script = [only_with("old"), only_with("new"), only_with("new")]
    bruno.paint("photo.jpg", "starry-night.jpg")
    key_file(keys, "new")
    bruno.paint("photo.jpg", "starry-night.jpg")
    assert len(scripted.requests) == 3


@pytest.mark.parametrize("keys", [{"token": "wrong"}, {"key_file": "key_file.json"}, {}])
def test_a_refused_key_that_stays_is_told(
    connect: Connect, scripted: Scripted, folder: Folder, keys: dict[str, str]
) -> None:
    key_file(folder.path / "key_file.json", "wrong")
    scripted.script = [only_with("right")]
    with pytest.raises(AuthenticationError, match="BRUNO_TOKEN or BRUNO_KEY_FILE"):
        connect(**keys).paint("photo.jpg", "starry-night.jpg")
    assert len(scripted.requests) == 1


def test_a_token_given_wins_over_the_environment(
    connect: Connect, scripted: Scripted, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRUNO_TOKEN", "other")
    scripted.script = [only_with("mine")]
    assert connect(token="mine").health() == "ready"  # noqa: S106 - no secret


def test_a_token_with_the_end_of_its_line(
    connect: Connect, scripted: Scripted, folder: Folder
) -> None:
    scripted.script = [only_with("mine")]
    assert connect(token="mine\n").health() == "ready"  # noqa: S106 - no secret


@pytest.mark.parametrize("token", ["ключ", "two words", "two\nlines", "\udc80", "\n"])
def test_a_token_that_no_header_can_hold(connect: Connect, folder: Folder, token: str) -> None:
    with pytest.raises(InvalidInputError, match="^token must be letters, digits and signs"):
        connect(token=token)
    key_file(folder.path / "key_file.json", token)
    with pytest.raises(InvalidInputError, match="^token must be letters, digits and signs"):
        connect(key_file="key_file.json").health()


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read: No such file"), ("{}", "holds no inference key"), ("x", "no inf")],
)
def test_a_key_file_without_a_key(
    connect: Connect, scripted: Scripted, folder: Folder, content: str | None, words: str
) -> None:
    if content:
        (folder.path / "keys.json").write_text(content)
    with pytest.raises(InvalidInputError, match=f"the key file keys.json .*{words}"):
        connect(key_file="keys.json").health()


def test_waiting_for_a_key_file(connect: Connect, scripted: Scripted, folder: Folder) -> None:
    timer = threading.Timer(0.2, key_file, (folder.path / "keys.json", "right"))
    timer.start()
    scripted.script = [only_with("right")]
    connect(key_file="keys.json").wait_ready(10)
    timer.join()
    scripted.script = [only_with("other")]
    with pytest.raises(AuthenticationError):
        connect(key_file="keys.json").wait_ready(10)


def test_two_threads_that_are_refused_with_one_old_key_both_go_on(
    connect: Connect, scripted: Scripted, folder: Folder
) -> None:
    keys = folder.path / "key_file.json"
    key_file(keys, "old")
    bruno = connect(key_file=keys)
    bruno.health()
    key_file(keys, "new")
    both_are_there, one_is_done = threading.Barrier(2), threading.Event()
    numbers = itertools.count()

    def refused_one_after_the_other(reply: Reply) -> None:
        assert reply.headers["Authorization"] == "Bearer old"
        both_are_there.wait(20)
        if next(numbers):
            one_is_done.wait(20)
        refuse(reply)

    scripted.script = [refused_one_after_the_other] * 2 + [only_with("new")] * 2
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(bruno.health) for _ in range(2)]
        wait(calls, 20, FIRST_COMPLETED)
        one_is_done.set()
        assert [call.result(20) for call in calls] == ["ready", "ready"]
