"""The examples of the client run against the real TorchServe, as a reader would start them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bruno import Bruno, read_record

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "client" / "examples"
PHOTO, STYLE = ROOT / "examples" / "photo.jpg", ROOT / "examples" / "style.png"
QUICK = ("--size", "64", "--steps", "5")


@pytest.fixture
def environment(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names the server to the examples as its printed lines would."""
    monkeypatch.setenv("BRUNO_URL", server.url)
    monkeypatch.setenv("BRUNO_KEY_FILE", str(server.key_file))
    monkeypatch.delenv("BRUNO_TOKEN", raising=False)


def run(name: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / name), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.usefixtures("environment")
def test_a_folder_is_painted_and_failures_are_kept_apart(tmp_path: Path) -> None:
    photos, painted = tmp_path / "photos", tmp_path / "painted"
    photos.mkdir()
    shutil.copy(PHOTO, photos / "tower.jpg")
    shutil.copy(STYLE, photos / "swirls.png")
    (photos / "notes.txt").write_text("no picture")
    done = run("paint_folder.py", photos, STYLE, painted, *QUICK)
    assert done.returncode == 1
    assert sorted(done.stdout.splitlines()) == ["swirls.png is painted", "tower.jpg is painted"]
    assert done.stderr.startswith("notes.txt: content must be a PNG")
    assert len(done.stderr.splitlines()) == 1
    assert sorted(path.name for path in painted.iterdir()) == ["swirls.png.png", "tower.jpg.png"]
    assert read_record(painted / "tower.jpg.png")["options"]["size"] == 64


@pytest.mark.usefixtures("environment")
def test_a_grid_has_a_place_for_each_pair(tmp_path: Path) -> None:
    sheet = tmp_path / "grid.png"
    done = run("grid.py", PHOTO, STYLE, sheet, "--alpha", 0.5, 2, "--beta", 1, 20, 80, *QUICK)
    assert (done.returncode, done.stderr) == (0, "")
    with Image.open(sheet) as image:
        assert image.size == (3 * (64 + 8) + 8, 2 * (43 + 24 + 8) + 8)
        corners = [(8 + column * 72, 8 + row * 75) for row in range(2) for column in range(3)]
        tiles = {image.crop((x, y, x + 64, y + 43)).tobytes() for x, y in corners}
    assert len(tiles) == 6


@pytest.mark.usefixtures("environment")
def test_a_deadline_ends_a_long_painting(tmp_path: Path) -> None:
    painting = tmp_path / "painting.png"
    words = ("--size", "128", "--steps", "5000", "--seconds", "1.5")
    done = run("long_with_deadline.py", PHOTO, STYLE, painting, *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("128 x 86 px on 2 levels\n")
    assert "stopped by deadline" in done.stdout
    record = read_record(painting)
    assert record["stopped"] == "deadline"
    assert 0 < record["steps"] < 5000


@pytest.fixture
def page(environment: None) -> Iterator[str]:
    """The address of the web page, served by the example."""
    words = [str(PHOTO), str(STYLE), "--port", "0", "--size", "128", "--steps", "60"]
    command = [sys.executable, str(EXAMPLES / "progress_page.py"), *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        yield process.stdout.readline().removeprefix("Open ").strip()
        process.terminate()


def read_events(url: str) -> Iterator[tuple[str, Any]]:
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - our own address
        assert answer.headers["Content-Type"] == "text/event-stream"
        name = ""
        for line in answer:
            key, _, value = line.decode().rstrip("\n").partition(": ")
            if key == "event":
                name = value
            elif key == "data":
                yield name, json.loads(value)


def test_the_page_shows_the_painting_form(page: str) -> None:
    with urllib.request.urlopen(page, timeout=60) as answer:  # noqa: S310 - our own address
        html = answer.read().decode()
    assert 'new EventSource("/events")' in html
    events = list(read_events(f"{page}events"))
    for name in dict(events):
        assert f'on("{name}"' in html
    previews = [data for name, data in events if name == "preview"]
    assert len(set(previews)) == len(previews) > 1
    shares = [data["share"] for name, data in events if name == "progress"]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert events[-1][0] == "painting"
    assert events[-1][1].startswith("data:image/png;base64,")
    with pytest.raises(urllib.error.HTTPError, match="404") as caught:
        urllib.request.urlopen(f"{page}nothing", timeout=60)  # noqa: S310 - our own address
    caught.value.close()


def test_a_closed_page_cancels_its_painting(page: str, server: Any) -> None:
    bruno = Bruno(server.url, key_file=server.key_file)
    events = read_events(f"{page}events")
    assert next(events)[0] in ("progress", "preview")
    assert bruno.describe()["running"] == 1
    events.close()
    for _ in range(100):
        if bruno.describe()["running"] == 0:
            return
        time.sleep(0.1)
    pytest.fail("the painting went on without its page")


def test_the_readme_lists_every_example() -> None:
    text = (EXAMPLES / "README.md").read_text()
    for path in EXAMPLES.iterdir():
        if path.suffix in (".py", ".ipynb"):
            assert f"[`{path.name}`]({path.name})" in text
