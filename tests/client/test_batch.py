"""Many paintings: as they finish, a few at a time, failures apart."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bruno import AuthenticationError, Bruno, Finished, InvalidInputError, OutOfRangeError, Task
from bruno.album import Album

from .both import Connect
from .conftest import Folder
from .scripted_server import Reply, Scripted, accepted, paint, picture, preview, refuse


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
    assert kinds == {id(tasks[1]): OutOfRangeError, id(tasks[3]): InvalidInputError}


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
    tasks = [Task("photo.jpg", "starry-night.jpg", {})]
    with pytest.raises(ZeroDivisionError):
        list(bruno.run(tasks, on_event=lambda task, event: 1 // 0))  # type: ignore[arg-type]


@pytest.mark.parametrize("at_once", [0, 2.5, "2", True])
def test_at_once_must_be_positive(bruno: Bruno, at_once: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"at_once must be a whole .* 1, got {at_once!r}"):
        bruno.batch(["photo.jpg"], ["starry-night.jpg"], at_once=at_once)


def test_one_picture_is_not_several(bruno: Bruno) -> None:
    for one in ("photo.jpg", Path("photo.jpg"), b"photo", io.BytesIO(), Image.new("L", (9, 9))):
        with pytest.raises(InvalidInputError, match="contents must be several pictures.*got"):
            bruno.batch(one, ["starry-night.jpg"])  # type: ignore[arg-type]
        with pytest.raises(InvalidInputError, match="styles must be several pictures.*got"):
            bruno.batch(["photo.jpg"], one)  # type: ignore[arg-type]


def test_leaving_cancels_what_runs(connect: Connect, scripted: Scripted, folder: Folder) -> None:
    begun, left = threading.Event(), threading.Event()

    def endless(reply: Reply) -> None:
        begun.set()
        try:
            reply.start()
            reply.say(accepted(reply.received))
            while True:
                reply.say(preview(1))
                time.sleep(0.02)
        except OSError:
            left.set()
            reply.close_connection = True

    scripted.script = [paint, endless]
    with connect().batch(["photo.jpg"] * 5, ["starry-night.jpg"], at_once=1) as batch:
        next(batch)
        assert begun.wait(20)
    assert left.wait(20)
    assert len(scripted.requests) == 2


def test_an_open_file_serves_many_tasks(bruno: Bruno, scripted: Scripted, folder: Folder) -> None:
    with folder.photo.open("rb") as photo, folder.style.open("rb") as style:
        batch = bruno.batch([photo, "photo.jpg"], [style, style])
    assert len(list(batch)) == 4
    assert not batch.failures
    sent = {(one.fields["content"], one.fields["style"]) for one in scripted.requests}
    assert sent == {(folder.photo.read_bytes(), folder.style.read_bytes())}


def test_one_open_file_serves_twice_in_one_painting(
    bruno: Bruno, scripted: Scripted, folder: Folder
) -> None:
    with folder.photo.open("rb") as photo:
        bruno.paint(photo, [photo, "starry-night.jpg"], masks={1: photo})
    fields = scripted.requests[0].fields
    assert {fields[name] for name in ("content", "style_1", "mask_1")} == {
        folder.photo.read_bytes()
    }


def test_a_url_is_fetched_once_for_all_tasks(
    bruno: Bruno, scripted: Scripted, folder: Folder
) -> None:
    url = f"{scripted.url}/picture.png"
    assert len(list(bruno.batch(["photo.jpg"] * 4, [url], at_once=3))) == 4
    assert scripted.fetched == ["/picture.png"]


def test_a_picture_that_cannot_be_read_fails_each_of_its_tasks(
    bruno: Bruno, scripted: Scripted, folder: Folder
) -> None:
    tasks = [
        Task("photo.jpg", f"{scripted.url}/nothing", {}),
        Task(f"{scripted.url}/nothing", "starry-night.jpg", {}),
        Task("photo.jpg", "starry-night.jpg", {"masks": 7}),  # type: ignore[typeddict-item]
        Task("photo.jpg", "starry-night.jpg", {}),
    ]
    batch = bruno.run(tasks)
    assert [finished.task for finished in batch] == [tasks[3]]
    said = {tasks.index(failed.task): str(failed.error) for failed in batch.failures}
    assert said[0].startswith("style: ")
    assert said[1].startswith("content: ")
    assert said[2].startswith("masks must be ")


def test_pictures_are_let_go_after_their_last_task(scripted: Scripted, folder: Folder) -> None:
    urls = [f"{scripted.url}/picture.png?{number}" for number in range(3)]
    tasks = [Task(url, "starry-night.jpg", {}) for url in urls for _ in range(2)]
    album = Album(tasks, (20, 20))
    kept = []
    for task in tasks:
        assert album.read("content", task.content) == picture()
        kept.append(len(album))
    assert kept == [1, 0] * 3


def test_a_wrong_token_uploads_no_more_than_runs(
    connect: Connect, scripted: Scripted, folder: Folder
) -> None:
    scripted.script = [refuse] * 20
    batch = connect(token="wrong").batch(["photo.jpg"] * 9, ["starry-night.jpg"], at_once=1)  # noqa: S106
    assert list(batch) == []
    assert len(batch.failures) == 9
    assert {type(failed.error) for failed in batch.failures} == {AuthenticationError}
    assert len([one for one in scripted.requests if one.fields]) == 1


def test_one_refused_request_leaves_the_others_alone(
    connect: Connect, scripted: Scripted, folder: Folder
) -> None:
    scripted.script = [refuse]
    batch = connect().batch(["photo.jpg"] * 3, ["starry-night.jpg"], at_once=1)
    assert len(list(batch)) == 2
    assert len(batch.failures) == 1


@pytest.mark.parametrize("before", [0, 1])
def test_closing_from_another_thread_ends_it_at_once(
    connect: Connect, before: int, scripted: Scripted, folder: Folder
) -> None:
    def silent(reply: Reply) -> None:
        begun.set()
        reply.wait_for_the_client_to_leave()

    begun, ended = threading.Event(), threading.Event()
    scripted.script = [paint] * before + [silent]
    batch = connect(timeout=(5, 300)).batch(["photo.jpg"] * 5, ["starry-night.jpg"], at_once=1)
    made: list[Finished] = []
    follower = threading.Thread(target=lambda: (made.extend(batch), ended.set()), daemon=True)
    follower.start()
    assert begun.wait(20)
    batch.close()
    assert ended.wait(20)
    assert scripted.left.wait(20)
    assert len(made) == before
    assert len(scripted.requests) == before + 1
    assert list(batch) == []
