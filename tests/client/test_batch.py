"""Many paintings: as they finish, a few at a time, failures apart."""

from __future__ import annotations

import threading
import time

import pytest

from bruno import Bruno, InvalidInput, OutOfRange, Task

from .conftest import Folder
from .scripted_server import Reply, Scripted, accepted, paint, picture, preview


def test_every_content_in_every_style(bruno: Bruno, folder: Folder) -> None:
    contents, styles = [picture("red"), picture("blue")], ["starry-night.jpg", folder.photo]
    batch = bruno.batch(contents, styles, beta=5)
    made = [(one.task.content, one.task.style, one.painting.record["options"]) for one in batch]
    pairs = [(content, style) for content, style, _ in made]
    assert sorted(map(str, pairs)) == sorted(str((c, s)) for c in contents for s in styles)
    assert all(options["beta"] == 5 for *_, options in made)
    assert not batch.failures


def test_failures_are_kept_apart(bruno: Bruno, folder: Folder) -> None:
    tasks = [Task("photo.jpg", "starry-night.jpg", {"alpha": alpha}) for alpha in (1, -1, 2)]
    tasks.append(Task("no.jpg", "starry-night.jpg", {}))
    batch = bruno.run(tasks)
    assert {id(finished.task) for finished in batch} == {id(tasks[0]), id(tasks[2])}
    kinds = {id(failed.task): type(failed.error) for failed in batch.failures}
    assert kinds == {id(tasks[1]): OutOfRange, id(tasks[3]): InvalidInput}


def test_at_once_is_the_most(bruno: Bruno, scripted: Scripted, folder: Folder) -> None:
    lock, now, most = threading.Lock(), 0, 0

    def counted(reply: Reply) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with lock:
            now -= 1
        paint(reply)

    scripted.script = [counted] * 6
    assert len(list(bruno.batch(["photo.jpg"] * 6, ["starry-night.jpg"], at_once=3))) == 6
    assert most == 3


def test_a_defect_is_not_swallowed(bruno: Bruno, folder: Folder) -> None:
    with pytest.raises(TypeError):
        list(bruno.batch(["photo.jpg"], ["starry-night.jpg"], alpha=object()))  # type: ignore[arg-type]


def test_at_once_must_be_positive(bruno: Bruno) -> None:
    with pytest.raises(InvalidInput, match="at_once must be at least 1, got 0"):
        bruno.batch(["photo.jpg"], ["starry-night.jpg"], at_once=0)


def test_leaving_cancels_what_runs(scripted: Scripted, folder: Folder) -> None:
    begun, left = threading.Event(), threading.Event()

    def endless(reply: Reply) -> None:
        begun.set()
        reply.start()
        reply.say(accepted(reply.received))
        try:
            while True:
                reply.say(preview(1))
                time.sleep(0.02)
        except OSError:
            left.set()
            reply.close_connection = True

    scripted.script = [paint, endless]
    with Bruno().batch(["photo.jpg"] * 5, ["starry-night.jpg"], at_once=1) as batch:
        next(batch)
        assert begun.wait(5)
    assert left.wait(5)
    assert len(scripted.requests) == 2
