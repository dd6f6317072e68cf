"""The standard set: painted, judged, laid out, gone on with, and told."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import looks
from judges import standard
from judges.methods import Peer, Scene, read_method
from judges.panel import CONTENT, STYLE
from judges.standard import Judged, find_pairs
from judges.table import table
from painter.engine.painter import Painter
from painter.errors import OutOfRange
from test_judges import _Networks


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two photos and three styles of 64 px, in folders."""
    random = np.random.default_rng(0)
    for folder, count in (("content", 2), ("style", 3)):
        (tmp_path / "images" / folder).mkdir(parents=True)
        for number in range(count):
            small = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            image = Image.fromarray(small).resize((64, 64))
            image.save(tmp_path / "images" / folder / f"{number:02d}.png")
    return tmp_path / "images"


def test_pairs_are_named_or_counted(images: Path) -> None:
    assert [pair.name for pair in find_pairs(images, ["01"], ["00", "02"])] == ["01-00", "01-02"]
    assert len(find_pairs(images, ["9"], ["2"])) == 4
    with pytest.raises(FileNotFoundError, match="has no picture 07: 00, 01, 02"):
        find_pairs(images, ["00"], ["07"])


def test_a_method_is_a_preset_with_options() -> None:
    painter = object.__new__(Painter)
    asked = read_method("bruno:alpha=2;style_layers=conv1_1:2,conv2_1:1", painter)
    assert asked.options == {
        "preset": "bruno", "alpha": 2, "style_layers": "conv1_1:2,conv2_1:1",
    }  # fmt: skip
    with pytest.raises(OutOfRange, match="preset must be one of"):
        read_method("monet", painter)


def test_somebody_elses_picture_is_brought_to_the_photos_size(images: Path, tmp_path: Path) -> None:
    folder = tmp_path / "others"
    folder.mkdir()
    Image.new("RGB", (100, 100), "teal").save(folder / "00-01.jpg")
    photo = (images / "content" / "00.png").read_bytes()
    peer = Peer("theirs", folder)
    data = peer.paint(Scene("00-01", 64, photo, photo))
    assert data is not None
    assert Image.open(io.BytesIO(data)).size == (64, 64)
    assert peer.paint(Scene("00-02", 64, photo, photo)) is None


def _scores(value: float) -> dict[str, float]:
    return dict.fromkeys((*CONTENT, *STYLE), value)


def test_the_table_tells_medians_spread_and_on_how_many_pairs_a_method_is_nearer() -> None:
    judged = [
        Judged(pair, method, 256, _scores(value), 10.0)
        for method, values in (("bruno", (1, 2, 3, 4, 5)), ("other", (0.5, 1.999, 4, 2, 9)))
        for pair, value in zip("abcde", values, strict=True)
    ]
    judged.append(Judged("f", "bruno", 256, _scores(1), None))
    told = table(judged, ["bruno", "other", "none"])
    assert told.startswith("5 pairs.")
    row = "| 3.00 (2.00 to 4.00) | 2.00 (2.00 to 4.00), 2 : 2 |"
    assert told.count(row) == len(CONTENT) + len(STYLE)
    assert "| median of processor time | 10 s | 10 s |" in told


def test_a_set_is_painted_judged_and_gone_on_with(
    images: Path, tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(standard, "Independent", lambda folder: _Networks())
    given = ["--images", str(images), "--contents", "00", "--styles", "00", "01", "--size", "64"]
    given += ["--out", str(tmp_path / "out"), "--weights", str(weights)]
    given += ["--methods", "bruno:steps=1", "--write", str(tmp_path / "QUALITY.md")]
    assert looks.main(given) == 0
    first = capsys.readouterr().out
    assert "| judge | `photo` | `bruno:steps=1` |" in first
    assert (tmp_path / "QUALITY.md").read_text() in first
    assert len(list((tmp_path / "out" / "sheets-64").glob("0?.jpg"))) == 2
    painted = sorted((tmp_path / "out").glob("64/*/bruno*.png"))
    assert len(painted) == 2
    before = [path.stat().st_mtime_ns for path in painted]
    scores = painted[0].with_suffix(".json")
    scores.unlink()
    assert looks.main(given) == 0
    assert [path.stat().st_mtime_ns for path in painted] == before
    assert set(json.loads(scores.read_text())["scores"]) == {*CONTENT, *STYLE}


def test_what_is_wrong_is_told(tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]):
    assert looks.main(["--images", str(tmp_path / "none")]) == 2
    assert "--images" in capsys.readouterr().err
    asked = ["--images", str(tmp_path), "--weights", str(weights), "--methods", "monet"]
    assert looks.main(asked) == 2
    assert "preset must be one of" in capsys.readouterr().err
