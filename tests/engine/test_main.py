"""The engine without a server."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import painter
from jobs import small_painter
from painter import __main__ as program
from pictures import photo, stripes


@pytest.fixture
def files(tmp_path):
    (tmp_path / "photo.png").write_bytes(photo())
    (tmp_path / "style.png").write_bytes(stripes())
    return tmp_path


@pytest.fixture
def small(monkeypatch):
    """The small network in place of the real one."""
    monkeypatch.setattr(program, "Painter", lambda weights, device: small_painter())


def _read(path):
    return Image.open(io.BytesIO(path.read_bytes()))


def _paint(files, *more, output="out.png"):
    pictures = [str(files / "photo.png"), str(files / "style.png")]
    return program.main([*pictures, "-o", str(files / output), "--size=64", "--steps=2", *more])


@pytest.mark.parametrize(
    ("output", "format"),
    [("out.png", "PNG"), ("out.JPG", "JPEG"), ("out.webp", "WEBP"), ("out.tif", "TIFF")],
)
def test_the_suffix_decides_the_format(files, small, output, format):
    assert _paint(files, output=output) == 0
    image = _read(files / output)
    assert (image.format, image.size) == (format, (64, 48))


def test_every_option_is_a_flag(files, small, capsys):
    given = ["--seed=7", "--style-layers=conv1_1:2,relu2_1:1", "--init-noise=0.5", "--format=png"]
    assert _paint(files, *given) == 0
    text = _read(files / "out.png").text["bruno"]
    options = json.loads(text)["options"]
    assert (options["seed"], options["init_noise"]) == (7, 0.5)
    assert options["style_layers"] == {"conv1_1": 2.0, "relu2_1": 1.0}
    assert "step 2/2, 64 x 48 px" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--steps=-1"], "steps must be"),
        (["--style-layers=conv9_9"], "style_layers must name layers"),
        (["--size=63"], "size must be a whole number from 64 to 8,192, got 63"),
        (["--weights=/nowhere/weights.safetensors"], "There are no weights at /nowhere"),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(files, capsys, arguments, told):
    assert _paint(files, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("painter: ")
    assert told in error
    assert error.count("\n") == 1
    assert not (files / "out.png").exists()


@pytest.mark.parametrize(
    ("missing", "told"), [("photo.png", "photo.png"), ("style.png", "style.png")]
)
def test_a_file_that_is_not_there_is_named(files, small, capsys, missing, told):
    (files / missing).unlink()
    assert _paint(files) == 2
    assert capsys.readouterr().err == f"painter: {files / told}: No such file or directory\n"


def test_a_file_that_is_no_picture_is_named(files, small, capsys):
    (files / "style.png").write_text("words")
    assert _paint(files) == 2
    assert capsys.readouterr().err.startswith("painter: style must be a PNG")


def test_a_folder_that_is_not_there_is_told_before_a_painting_is_lost(files, small, capsys):
    assert _paint(files, output="no/such/out.png") == 2
    assert "no/such" in capsys.readouterr().err


def test_nine_styles_are_refused(files, small, capsys):
    styles = [str(files / "style.png")] * 9
    with pytest.raises(SystemExit) as caught:
        sys.exit(program.main([str(files / "photo.png"), *styles, "-o", str(files / "out.png")]))
    assert caught.value.code == 2
    assert "8" in capsys.readouterr().err


def test_it_runs_as_a_program(files, weights):
    handler = Path(painter.__file__).parents[1]
    command = [sys.executable, "-m", "painter", "photo.png", "style.png", "--size=64", "--steps=2"]
    done = subprocess.run(
        [*command, f"--weights={weights}", "-o", "real.png"],
        cwd=files,
        env={**os.environ, "PYTHONPATH": str(handler), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert _read(files / "real.png").size == (64, 48)
