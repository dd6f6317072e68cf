"""Batches, contact sheets and grids on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from bruno.cli import cli
from bruno.cli.painted import weights_of_layers
from bruno.sheet import Tile, contact_sheet
from painter.errors import OutOfRange
from painter.options.reading import read_options

from .conftest import Folder
from .scripted_server import (
    Received,
    Reply,
    Scripted,
    accepted,
    paint,
    painting,
    picture,
    preview,
    problem,
    progress,
)

GOLD = (255, 215, 0)


@pytest.fixture
def folders(folder: Folder) -> Path:
    for name in ("photos/a.png", "photos/b.png", "styles/c.jpg", "styles/c.png", "photos/notes.md"):
        path = folder.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(picture())
    return folder.path


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def names(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def fails(reply: Reply) -> None:
    said = json.dumps(problem(500, "internal", "a defect")).encode()
    reply.whole(500, "application/problem+json", said)


def asked(scripted: Scripted) -> list[Received]:
    """The paintings that were asked for."""
    return [one for one in scripted.requests if one.fields]


ALL = ["a--c.jpg.png", "a--c.png.png", "b--c.jpg.png", "b--c.png.png"]


def test_batch_skips_what_is_painted(scripted: Scripted, folders: Path) -> None:
    scripted.script = [paint, fails]
    done = run("batch", "photos", "styles", "-o", "out", "--at-once", 1, "--beta", 5)
    assert done.exit_code == 1
    assert "failed: out/a--c.png.png: a defect" in done.stderr
    assert names("out") == [ALL[0], *ALL[2:]]
    again = run("batch", "photos", "styles", "-o", "out", "--beta", 5)
    assert again.exit_code == 0
    assert "3 of 4 are painted already" in again.stderr
    assert "anew" not in again.stderr
    assert names("out") == ALL
    assert [sent.options["beta"] for sent in asked(scripted)] == [5] * 5


def test_batch_of_a_users_mistake_is_2(scripted: Scripted, folders: Path) -> None:
    assert run("batch", "photos", "styles", "-o", "out", "--alpha", -1).exit_code == 2


def test_batch_names_files_by_their_format(scripted: Scripted, folder: Folder) -> None:
    done = run("batch", "photo.jpg", "starry-night.jpg", "-o", "out", "--format", "jpeg")
    assert done.exit_code == 0
    assert names("out") == ["photo--starry-night.jpg"]


def test_batch_of_paintings_with_one_name_is_refused(scripted: Scripted, folders: Path) -> None:
    for name in ("photos/a--b.png", "styles/b--c.png"):
        (folders / name).write_bytes(picture())
    (folders / "styles/c.jpg").unlink()
    done = run("batch", "photos", "styles", "-o", "out")
    assert done.exit_code == 2
    assert "two paintings would be called a--b--c.png: rename a photo or a style" in done.stderr
    assert not scripted.requests


def test_batch_passes_over_folders_with_the_name_of_a_picture(
    scripted: Scripted, folders: Path
) -> None:
    (folders / "photos/album.png").mkdir()
    assert run("batch", "photos", "styles", "-o", "out").exit_code == 0
    assert names("out") == ALL


def test_sheet_uses_and_keeps_paintings(scripted: Scripted, folders: Path) -> None:
    run("batch", "photos/a.png", "styles", "-o", "out")
    done = run("sheet", "photos", "styles", "--paintings", "out", "-o", "sheet.png", "--cell", 64)
    assert done.exit_code == 0
    assert names("out") == ALL
    assert len(scripted.requests) == 4
    with Image.open("sheet.png") as sheet:
        # Columns: photo, two paintings. Rows: styles, two photos with their paintings.
        assert sheet.size == (3 * 64 + 4 * 8, 3 * (48 + 24) + 4 * 8)
        assert sheet.getpixel((8 + 64 + 8 + 32, 8 + 72 + 8 + 24)) == GOLD


def test_sheet_leaves_failures_empty(scripted: Scripted, folders: Path) -> None:
    scripted.script = [fails] * 4
    done = run("sheet", "photos", "styles", "-o", "sheet.jpg")
    assert done.exit_code == 1
    assert Path("sheet.jpg").exists()


def two_levels(reply: Reply) -> None:
    """Previews count the steps of their level, as the real server's do."""
    reply.start()
    reply.say(accepted(reply.received))
    for step in (25, 50, 75, 100):
        level, first = (1, 0) if step <= 50 else (2, 50)
        reply.say(progress(step, level=level) + preview(step - first, level))
    reply.say(painting(reply.received))
    reply.end()


def test_sheet_over_the_steps_of_one_painting(scripted: Scripted, folder: Folder) -> None:
    scripted.script = [two_levels]
    words = ["sheet", "photo.jpg", "starry-night.jpg", "--over", "30,60,100", "--cell", 64]
    done = run(*words, "-o", "steps.png")
    assert done.exit_code == 0
    assert scripted.requests[0].options["steps"] == 100
    with Image.open("steps.png") as sheet:
        assert sheet.size == (3 * 64 + 4 * 8, 48 + 24 + 2 * 8)
        middles = [sheet.getpixel((8 + 72 * column + 32, 40)) for column in range(3)]
    assert middles[2] == GOLD
    assert middles[0] == middles[1] != GOLD


def test_compare_two_options(scripted: Scripted, folder: Folder) -> None:
    words = ["compare", "photo.jpg", "starry-night.jpg", "--cell", 64, "--seed", 3]
    done = run(*words, "--x", "alpha=0.1,1,10", "--y", "style-scale=0.5,2", "-o", "grid.png")
    assert done.exit_code == 0
    sent = {
        (one.options["alpha"], one.options["style_scale"], one.options["seed"])
        for one in scripted.requests
    }
    assert sent == {(alpha, scale, 3) for alpha in (0.1, 1, 10) for scale in (0.5, 2)}
    with Image.open("grid.png") as grid:
        assert grid.height == 24 + 2 * 48 + 4 * 8
        assert grid.getpixel((grid.width - 8 - 32, 24 + 16 + 24)) == GOLD


def test_compare_layers(scripted: Scripted, folder: Folder) -> None:
    words = ["compare", "photo.jpg", "starry-night.jpg", "--x", "pooling=max,average"]
    done = run(*words, "--y", "style_layers=conv1_1,conv2_1;all")
    assert done.exit_code == 0
    layers = {one.options["style_layers"] for one in scripted.requests}
    assert layers == {"conv1_1,conv2_1", "all"}


def test_a_broken_picture_is_one_sentence(scripted: Scripted, folders: Path) -> None:
    (folders / "photos/notes.png").write_bytes(b"notes")
    done = run("sheet", "photos", "styles")
    assert done.exit_code == 2
    assert done.stderr == "Error: photos/notes.png cannot be read as a picture\n"


def test_labels_are_written_and_shortened() -> None:
    def ink(label: str) -> int:
        sheet = contact_sheet([[Tile(label, Image.new("RGB", (9, 9), "white"))]], side=50)
        assert sheet.size[0] == 66
        return sum(sheet.convert("L").histogram()[:128])

    assert ink("") == 0
    assert 0 < ink("abc") < ink("abc" * 30)


ONE = ["batch", "photo.jpg", "starry-night.jpg", "-o", "out"]


@pytest.mark.parametrize(
    ("first", "then", "differs"),
    [
        (["--beta", 5], ["--beta", 50], "beta"),
        (["--beta", 5], [], "beta"),
        ([], ["--beta", 5, "--seed", 3], "beta, seed"),
        ([], ["--preset", "fine"], "beta"),
        ([], ["--content-layers", "conv1_1"], "content_layers"),
        ([], ["--content-mask", "photo.jpg"], "masks"),
        ([], ["--canvas", "photo.jpg"], "canvas"),
        (["--max-seconds", 5], [], None),
        ([], ["--preset", "fine", "--beta", 20], None),
        ([], ["--content-layers", "conv4_2:1"], None),
        (["--content-mask", "photo.jpg"], ["--content-mask", "photo.jpg"], None),
        ([], ["--preview-every", 5], None),
    ],
)
def test_batch_paints_anew_what_was_painted_otherwise(
    scripted: Scripted, folder: Folder, first: list[str], then: list[str], differs: str | None
) -> None:
    assert run(*ONE, *first).exit_code == 0
    again = run(*ONE, *then)
    assert again.exit_code == 0
    if differs:
        assert f"1 of 1 are painted anew: not the same {differs} as in the file" in again.stderr
    else:
        assert again.stderr == "1 of 1 are painted already\n"
    assert len(asked(scripted)) == 1 + bool(differs)


@pytest.mark.parametrize("name", ["photo.jpg", "starry-night.jpg"])
def test_batch_paints_anew_what_was_painted_of_other_pictures(
    scripted: Scripted, folder: Folder, name: str
) -> None:
    run(*ONE)
    (folder.path / name).write_bytes(picture("red", "JPEG"))
    what = "photo" if name == "photo.jpg" else "style"
    assert f"anew: not the same {what} as in the file" in run(*ONE).stderr


def test_batch_goes_on_with_what_is_incomplete(scripted: Scripted, folder: Folder) -> None:
    def breaks_off(reply: Reply) -> None:
        reply.start()
        reply.say(painting(reply.received, incomplete="memory ran out"))
        reply.end()

    scripted.script = [breaks_off]
    run(*ONE)
    assert "anew: incomplete" in run(*ONE).stderr
    assert run(*ONE).stderr == "1 of 1 are painted already\n"


def test_batch_leaves_files_of_others_alone(scripted: Scripted, folder: Folder) -> None:
    Path("out").mkdir()
    mine = Path("out/photo--starry-night.png")
    mine.write_bytes(picture())
    done = run(*ONE)
    assert done.exit_code == 0
    assert done.stderr == (
        "out/photo--starry-night.png carries no record of a Bruno painting: "
        "it is left as it is, --force paints over it\n"
    )
    assert mine.read_bytes() == picture()
    assert run(*ONE, "--force").exit_code == 0
    assert mine.read_bytes() != picture()


def test_batch_paints_all_anew_by_force(scripted: Scripted, folder: Folder) -> None:
    run(*ONE)
    assert run(*ONE, "-f").exit_code == 0
    assert len(asked(scripted)) == 2


@pytest.mark.parametrize(
    "layers", ["all", "conv1_1", "conv1_1, conv2_1", "conv1_1:16,relu2_1:.5", ["conv4_2"], {"a": 1}]
)
def test_layers_are_read_as_the_server_does(layers: Any) -> None:
    try:
        read = dict(read_options({"style_layers": layers}).style_layers)
    except OutOfRange:
        read = layers
    assert weights_of_layers(layers) == read
