"""The engine without a server."""

from __future__ import annotations

import hashlib
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
from pictures import photo, png, stripes

LEFT = png([[255] * 32 + [0] * 32] * 48)


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


def test_every_other_picture_is_a_flag(files, small):
    (files / "left.png").write_bytes(LEFT)
    mask = f"1={files / 'left.png'}"
    more = ["--mask", mask, "--style-mask", mask, "--content-mask", str(files / "left.png")]
    start = ["--init=image", "--canvas", str(files / "style.png")]
    more += [*start, "--style-weights=1,3", "--size=64", "--steps=2", "-o", str(files / "out.png")]
    pictures = [str(files / name) for name in ("photo.png", "style.png", "photo.png")]
    assert program.main([*pictures, *more]) == 0
    record = json.loads(_read(files / "out.png").text["bruno"])
    left, style = (hashlib.sha256(data).hexdigest() for data in (LEFT, stripes()))
    assert record["digests"]["masks"] == dict.fromkeys(
        ("mask_1", "style_mask_1", "content_mask"), left
    )
    assert record["digests"]["canvas"] == style
    assert len(record["digests"]["styles"]) == 2
    assert record["style_weights"] == [0.25, 0.75]


def test_a_log_gets_whole_lines(files, small, capsys):
    assert _paint(files) == 0
    told = capsys.readouterr().err
    assert "\r" not in told
    assert told.splitlines()[-1] == f"{files / 'out.png'}: 64 x 48 px"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--steps=-1"], "steps must be"),
        (["--style-weights=1,2"], "style_weights must hold 1 weights, one for each style, got 2"),
        (["--style-weights=nan"], "style_weights must be from 0 to 1e+06, got nan"),
        (["--style-weights=0"], "style_weights must not all be 0, got [0.0]"),
        (["--mask=2=left.png"], "--mask must be like 1=mask.png with a style from 1 to 1, got 2=l"),
        (["--style-mask=left.png"], "--style-mask must be like 1=mask.png"),
        (["--format=jpeg"], "format jpeg does not go with out.png"),
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


def test_a_format_that_is_not_known_is_refused(files, small, capsys):
    assert _paint(files, output="out.bmp") == 2
    assert "output must end in .png, .jpg" in capsys.readouterr().err
    assert not (files / "out.bmp").exists()


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
