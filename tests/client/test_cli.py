"""The command line, through click's runner."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from bruno import OPTIONS, read_record
from bruno.cli import cli

from .conftest import Folder
from .scripted_server import (
    DEFAULTS,
    SIZE,
    Reply,
    Scripted,
    accepted,
    event,
    paint,
    picture,
    preview,
    problem,
    progress,
)


def run(*words: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], input=stdin)


def test_paint(scripted: Scripted, folder: Folder) -> None:
    done = run("paint", "photo.jpg", "starry-night.jpg", "-o", "out.png", "--beta", 50)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "out.png: 64 x 48, 100 steps in 10.0 s, seed 0\n"
    assert read_record("out.png")["options"] == DEFAULTS | {"beta": 50, "format": "png"}
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "out.png",
        "photo.jpg",
        "starry-night.jpg",
    ]


def test_every_option_has_its_flag(scripted: Scripted, folder: Folder) -> None:
    help = run("paint", "--help-all").stdout
    for name in OPTIONS:
        assert f"--{name.replace('_', '-')}" in help
    values: dict[str, Any] = {
        "content_layers": "conv4_2",
        "style_layers": "conv1_1:16,conv2_1:8",
        "style_scale": "0.5,2",
        "optimizer": "lbfgs",
        "size": 256,
        "preset": "gatys",
    }
    flags = [part for name, value in values.items() for part in (_flag(name), value)]
    done = run("paint", "photo.jpg", "starry-night.jpg", *flags, "--no-reproducible")
    assert done.exit_code == 0
    sent = scripted.requests[0].options
    assert {name: sent[name] for name in values} == values | {"style_scale": [0.5, 2]}
    assert sent["reproducible"] is False


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def test_masks_weights_and_canvas(scripted: Scripted, folder: Folder) -> None:
    (folder.path / "mask.png").write_bytes(picture())
    flags = ["--mask", "2=mask.png", "--style-mask", "1=mask.png", "--content-mask", "mask.png"]
    more = ["--style-weights", "1,3", "--canvas", "mask.png"]
    done = run("paint", "photo.jpg", "starry-night.jpg", "photo.jpg", *flags, *more)
    assert done.exit_code == 0
    fields = scripted.requests[0].fields
    for name in ("mask_2", "style_mask_1", "content_mask", "canvas"):
        assert fields[name] == picture()
    assert fields["style_2"] == folder.photo.read_bytes()
    assert json.loads(fields["style_weights"]) == [1, 3]


@pytest.mark.parametrize(
    ("name", "flags", "format"),
    [
        ("a.png", [], "png"),
        ("a.png", ["--format", "png16"], "png16"),
        ("a.JPG", [], "jpeg"),
        ("a.webp", [], "webp"),
        ("a.tiff", ["--format", "tiff16"], "tiff16"),
    ],
)
def test_the_format_follows_from_the_suffix(
    scripted: Scripted, folder: Folder, name: str, flags: list[str], format: str
) -> None:
    assert run("paint", "photo.jpg", "starry-night.jpg", "-o", name, *flags).exit_code == 0
    assert scripted.requests[0].options["format"] == format


def test_standard_streams(scripted: Scripted, folder: Folder) -> None:
    photo = folder.photo.read_bytes()
    done = run("paint", "-", "starry-night.jpg", "-o", "-", stdin=photo)
    assert done.exit_code == 0
    assert Image.open(io.BytesIO(done.stdout_bytes)).size == SIZE
    assert scripted.requests[0].fields["content"] == photo


def test_json_lines(scripted: Scripted, folder: Folder) -> None:
    done = run("paint", "photo.jpg", "starry-night.jpg", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    names = [line["event"] for line in lines]
    assert names == ["waiting", "accepted", *["progress", "preview"] * 4, "painting"]
    assert lines[2]["step"] == 25
    assert lines[-1]["output"] == "painting.png"
    assert lines[-1]["record"] == read_record("painting.png")


def test_watch_shows_the_canvas_as_it_forms(scripted: Scripted, folder: Folder) -> None:
    seen: list[str] = []

    def look(reply: Reply) -> None:
        seen.append(str(Image.open(io.BytesIO(Path("out.png").read_bytes())).format))
        paint(reply)

    scripted.script = [_one_preview_then_break, look]
    done = run("paint", "photo.jpg", "starry-night.jpg", "-o", "out.png", "--watch")
    assert done.exit_code == 0
    assert seen == ["PNG"]
    assert read_record("out.png")


def _one_preview_then_break(reply: Reply) -> None:
    reply.start()
    reply.say(accepted(reply.received) + preview(1))
    reply.hang_up()


def test_like_takes_the_options_of_a_record(scripted: Scripted, folder: Folder) -> None:
    run("paint", "photo.jpg", "starry-night.jpg", "-o", "a.png", "--beta", 50, "--seed", 9)
    done = run("paint", "starry-night.jpg", "photo.jpg", "-o", "b.jpg", "--like", "a.png",
               "--seed", 4)  # fmt: skip
    assert done.exit_code == 0
    options = scripted.requests[-1].options
    assert (options["beta"], options["seed"], options["format"]) == (50, 4, "jpeg")
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning")]
    assert warnings == [f"warning: not the same {what} as in the record" for what in
                        ("photo", "styles", "weights")]  # fmt: skip


def test_like_takes_the_weights_of_as_many_styles(scripted: Scripted, folder: Folder) -> None:
    exif = Image.Exif()
    exif[0x010E] = json.dumps(
        {
            "options": {},
            "style_weights": [0.25, 0.75],
            "digests": {
                "content": "",
                "styles": [],
                "masks": {"mask_1": "0" * 64},
                "canvas": "0" * 64,
                "palette": "0" * 64,
            },
            "weights": "v" * 64,
        }
    )
    (folder.path / "a.jpg").write_bytes(picture(format="JPEG", exif=exif))
    two = ["paint", "photo.jpg", "starry-night.jpg", "photo.jpg", "--like", "a.jpg"]
    done = run(*two)
    assert json.loads(scripted.requests[-1].fields["style_weights"]) == [0.25, 0.75]
    assert "warning: not the same masks as in the record" in done.stderr
    assert "warning: not the same canvas as in the record" in done.stderr
    assert "warning: not the same palette as in the record" in done.stderr
    run(*two, "--style-weights", "1,1", "--force")
    assert json.loads(scripted.requests[-1].fields["style_weights"]) == [1, 1]
    assert run("paint", "photo.jpg", "starry-night.jpg", "--like", "a.jpg", "-f").exit_code == 0
    assert "style_weights" not in scripted.requests[-1].fields


def test_like_is_quiet_where_all_is_the_same(
    scripted: Scripted, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, style = folder.photo.read_bytes(), folder.style.read_bytes()
    record = {
        "options": {"beta": 50},
        "digests": {
            "content": hashlib.sha256(photo).hexdigest(),
            "styles": [hashlib.sha256(style).hexdigest()],
        },
        "weights": "v" * 64,
    }
    exif = Image.Exif()
    exif[0x010E] = json.dumps(record)
    (folder.path / "a.jpg").write_bytes(picture(format="JPEG", exif=exif))
    done = run("paint", "photo.jpg", "starry-night.jpg", "--like", "a.jpg")
    assert done.exit_code == 0
    assert "warning" not in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["paint", "no.jpg", "starry-night.jpg"], "content: no.jpg cannot be read"),
        (["paint", "photo.jpg"], "Missing argument 'STYLE...'"),
        (["paint", "photo.jpg", "photo.jpg", "-o", "a.gif"], "-o must end in .png, .jpg"),
        (["paint", "photo.jpg", "photo.jpg", "-o", "no/a.png"], "there is no such folder"),
        (["paint", "photo.jpg", "photo.jpg", "-o", "dir.png"], "dir.png cannot be written: it is"),
        (["paint", "photo.jpg", "photo.jpg", "-o", "."], "cannot be written: it is a folder"),
        (["paint", "photo.jpg", "photo.jpg", "-o", "/proc/a.png"], "/proc/a.png cannot be written"),
        (["paint", "photo.jpg", "photo.jpg", "-o", "a" * 300 + ".png"], "File name too long"),
        (["paint", "photo.jpg", "photo.jpg", "--format", "jpeg"], "does not go with the name"),
        (["paint", "photo.jpg", "photo.jpg", "--alpha", "-1"], "alpha must be …, got -1"),
        (["paint", "photo.jpg", "photo.jpg", "--steps", "many"], "'many' is not a valid integer"),
        (["paint", "photo.jpg", "photo.jpg", "--mask", "x.png"], "must be like 1=mask.png"),
        (["paint", "photo.jpg", "photo.jpg", "--style-scale", "x"], "must be numbers with commas"),
        (["paint", "photo.jpg", "photo.jpg", "-o", "-", "--json"], "--json does not go with -o -"),
        (["paint", "photo.jpg", "photo.jpg", "-o", "-", "--watch"], "--watch does not go with"),
        (["paint", "-", "-"], "only one of the pictures can be -"),
        (["paint", "photo.jpg", "photo.jpg", "--like", "photo.jpg"], "carries no record"),
        (["batch", "photo.jpg", "empty", "-o", "out"], "empty holds no pictures"),
        (["batch", "photo.jpg", "photo.jpg", "-o", "no/out"], "there is no such folder"),
        (["batch", "photo.jpg", "photo.jpg", "-o", "/proc/out"], "/proc/out cannot be written: No"),
        (["batch", "photo.jpg", "photo.jpg", "-o", "/proc"], "painting.png cannot be written"),
        (["sheet", "photo.jpg", "photo.jpg", "--paintings", "photo.jpg"], "'photo.jpg' is a file"),
        (["sheet", "photo.jpg", "photo.jpg", "--over", "nan"], "'nan' must be whole numbers from"),
        (["sheet", "photo.jpg", "photo.jpg", "--over", "0,9"], "'0,9' must be whole numbers from"),
        (["sheet", "photo.jpg", "photo.jpg", "--over", "0.5"], "'0.5' must be whole numbers from"),
        (["compare", "photo.jpg", "photo.jpg", "--x", "gamma=1", "--y", "beta=1"], "no option gam"),
        (["compare", "photo.jpg", "photo.jpg", "--x", "size=a", "--y", "beta=1"], "'a' is not a"),
        (["compare", "photo.jpg", "photo.jpg", "--x", "size", "--y", "beta=1"], "must be like alp"),
        (["compare", "photo.jpg", "photo.jpg", "--x", "beta=1", "--y", "beta=2"], "two options"),
        (["health", "--key-file", "no.json"], "the key file no.json cannot be read"),
        (["health", "--key-file", "no.json"], "a server that was started anew has another"),
    ],
)
def test_a_users_mistake_is_one_sentence_and_2(
    scripted: Scripted, folder: Folder, words: list[str], sentence: str
) -> None:
    (folder.path / "empty").mkdir()
    (folder.path / "dir.png").mkdir()
    done = run(*words)
    assert done.exit_code == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert sentence in last
    assert "Traceback" not in done.output
    # What is refused for its output is refused before anything is painted.
    assert "--alpha" in words or not scripted.requests


def test_preset_and_like_exclude_each_other(scripted: Scripted, folder: Folder) -> None:
    run("paint", "photo.jpg", "starry-night.jpg")
    more = ["--like", "painting.png", "--preset", "draft", "--force"]
    done = run("paint", "photo.jpg", "starry-night.jpg", *more)
    assert done.exit_code == 2
    assert "--preset does not go with --like" in done.stderr


@pytest.mark.parametrize("command", [["health"], ["options"], ["paint", "photo.jpg", "photo.jpg"]])
def test_the_servers_fault_is_one_sentence_and_1(command: list[str], folder: Folder) -> None:
    done = run(*command, "--url", "http://127.0.0.1:9")
    assert done.exit_code == 1
    assert done.stderr == (
        "Error: http://127.0.0.1:9 cannot be reached: connection refused; is the server running?\n"
    )


def test_a_name_as_long_as_names_may_be(scripted: Scripted, folder: Folder) -> None:
    long = f"{'a' * 251}.png"
    assert run("paint", "photo.jpg", "starry-night.jpg", "-o", long).exit_code == 0
    assert {path.name for path in folder.path.iterdir()} == {"photo.jpg", "starry-night.jpg", long}


def test_adjustments_are_told(scripted: Scripted, folder: Folder) -> None:
    def adjusts(reply: Reply) -> None:
        reply.start()
        told = accepted(reply.received).replace(b'"adjusted": []', b'"adjusted": ["on white"]')
        reply.say(told + event("error", problem(500, "internal", "a defect")))
        reply.end()

    scripted.script = [adjusts]
    done = run("paint", "photo.jpg", "starry-night.jpg")
    assert done.stderr == "on white\nError: a defect\n"
    assert done.exit_code == 1


def test_a_device_is_written_to_and_not_replaced(scripted: Scripted, folder: Folder) -> None:
    link = Path("out.png")
    link.symlink_to("/dev/null")
    assert run("paint", "photo.jpg", "starry-night.jpg", "-o", link).exit_code == 0
    assert link.is_symlink()


OVERWRITING = [
    ["paint", "photo.jpg", "starry-night.jpg", "-o", "out.png"],
    ["paint", "photo.jpg", "starry-night.jpg", "-o", "out.png", "--watch"],
    ["sheet", "photo.jpg", "starry-night.jpg", "-o", "out.png"],
    ["compare", "photo.jpg", "starry-night.jpg", "--x", "beta=1", "--y", "tv=1", "-o", "out.png"],
]


@pytest.mark.parametrize("words", OVERWRITING)
def test_nothing_is_overwritten_without_a_word(
    scripted: Scripted, folder: Folder, words: list[str]
) -> None:
    out = Path("out.png")
    out.write_bytes(b"mine")
    done = run(*words)
    assert done.exit_code == 2
    assert "out.png is there already: --force paints over it, -o names another" in done.stderr
    assert out.read_bytes() == b"mine"
    assert not scripted.requests
    assert "--force" in run(words[0], "--help").stdout
    assert run(*words, "--force").exit_code == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    left = {"photo.jpg", "starry-night.jpg", "out.png"}
    assert {path.name for path in folder.path.iterdir()} == left


def fails_after_a_preview(reply: Reply) -> None:
    reply.start()
    reply.say(accepted(reply.received) + progress(50) + preview(50))
    reply.say(event("error", problem(500, "internal_error", "the server has a defect")))
    reply.end()


@pytest.mark.parametrize("watch", [[], ["--watch"]])
@pytest.mark.parametrize("before", [None, b"a finished painting"])
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff"])
def test_what_fails_leaves_what_was_there_and_keeps_the_canvas(
    scripted: Scripted, folder: Folder, watch: list[str], before: bytes | None, suffix: str
) -> None:
    out = Path(f"out.{suffix}")
    if before:
        out.write_bytes(before)
    scripted.script = [fails_after_a_preview]
    words = ["paint", "photo.jpg", "starry-night.jpg", "-o", out, "--beta", 50, "--force"]
    done = run(*words, *watch)
    assert done.exit_code == 1
    assert done.stderr == (
        f"the canvas at step 50 of 100 is kept as out-so-far.{suffix} (64 x 48, its last preview)\n"
        "Error: the server has a defect\n"
    )
    assert (out.read_bytes() if out.exists() else None) == before
    record = read_record(f"out-so-far.{suffix}")
    assert record["options"]["beta"] == 50
    assert record["incomplete"] == "broken off at step 50 of 100: the canvas is its last preview"
    names = {path.name for path in folder.path.iterdir()}
    assert names == {"photo.jpg", "starry-night.jpg", f"out-so-far.{suffix}"} | (
        {out.name} if before else set()
    )
    scripted.script = [fails_after_a_preview]
    assert f"kept as out-so-far-2.{suffix} (" in run(*words, *watch).stderr
    again = run(*words[:3], "--like", f"out-so-far.{suffix}", "-o", out, "--force")
    assert (again.exit_code, scripted.requests[-1].options["beta"]) == (0, 50)
    assert "warning: the record does not tell which pictures it was made of" in again.stderr


def test_what_fails_without_a_canvas_keeps_nothing(scripted: Scripted, folder: Folder) -> None:
    done = run("paint", "photo.jpg", "starry-night.jpg", "--alpha", -1, "--watch")
    assert done.stderr == "Error: alpha must be …, got -1\n"
    assert {path.name for path in folder.path.iterdir()} == {"photo.jpg", "starry-night.jpg"}


def test_stdout_keeps_no_canvas(scripted: Scripted, folder: Folder) -> None:
    scripted.script = [fails_after_a_preview]
    done = run("paint", "photo.jpg", "starry-night.jpg", "-o", "-")
    assert (done.stdout, done.stderr) == ("", "Error: the server has a defect\n")
