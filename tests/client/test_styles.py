"""The library of styles: what comes along, what is fetched, and what may go wrong on the way."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result
from PIL import Image

import bruno.styles.catalog
from bruno import Bruno, InvalidInputError, styles
from bruno.cli import cli
from bruno.styles import Style

from .conftest import Folder
from .scripted_server import Scripted, picture

OURS = ("glass", "ink", "mosaic", "pointillism", "poster", "swirls", "woodcut")
FEW_HUNDRED_KILOBYTES = 700 * 1024


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache" / "styles"
    monkeypatch.setenv("BRUNO_CACHE", str(folder))
    return folder


@pytest.fixture
def offer(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Style]:
    """Puts one more painting into the library, at an address of the scripted server."""

    def add(path: str = "/picture.png", **more: Any) -> Style:
        style = Style(
            name="a-painting",
            title="A Painting",
            painter="A Painter",
            year=1900,
            museum="A Museum",
            license="public domain",
            address=scripted.url + path,
        )
        style = replace(style, **more)
        whole = (*styles.library(), style)
        monkeypatch.setattr("bruno.styles.catalog.library", lambda: whole)
        monkeypatch.setattr("bruno.styles.library", lambda: whole)
        return style

    return add


def test_six_come_along() -> None:
    assert styles.names() == OURS
    for name in OURS:
        with Image.open(styles.path(name)) as image:
            assert min(image.size) >= 512
            assert len(set(image.resize((32, 32)).get_flattened_data())) > 200
        assert styles.load(name) == styles.fetch(name).read_bytes()
        assert styles.is_here(name)
    sizes = [styles.path(name).stat().st_size for name in OURS]
    assert sum(sizes) < FEW_HUNDRED_KILOBYTES


def test_the_manifest_tells_all_of_every_painting() -> None:
    paintings = [style for style in styles.library() if not style.built_in]
    assert len(paintings) >= 30
    assert len({style.name for style in styles.library()}) == len(styles.library())
    assert len({style.address for style in paintings}) == len(paintings)
    for style in paintings:
        assert style.name == style.name.lower()
        assert style.title
        assert style.painter
        assert style.museum
        assert 1400 < style.year < 1931  # what a painter showed later may still be protected
        died = int(style.license.removesuffix(")")[-4:])
        assert style.license.startswith("public domain (the painter died in ")
        assert died < 1955
        assert style.year <= died
        address = urlsplit(style.address)
        assert (address.scheme, address.netloc) == ("https", "commons.wikimedia.org")
        assert address.query == "width=1920"
        assert not style.sha256 or len(style.sha256) == 64


def test_that_no_address_was_tried_is_said() -> None:
    manifest = Path(bruno.styles.catalog.__file__).with_name("paintings.json")
    assert "None of these addresses has been tried" in json.loads(manifest.read_text())["note"]
    assert "addresses were not tried" in " ".join((styles.__doc__ or "").split())


@pytest.mark.parametrize("call", [styles.find, styles.path, styles.load, styles.fetch])
def test_a_name_that_the_library_does_not_have(call: Callable[[str], object]) -> None:
    with pytest.raises(InvalidInputError, match=r"no style 'mosiac': it has glass, ink, mosaic, "):
        call("mosiac")


def test_a_painting_is_fetched_once(
    scripted: Scripted, offer: Callable[..., Style], cache: Path
) -> None:
    offer(sha256=hashlib.sha256(picture()).hexdigest())
    assert not styles.is_here("a-painting")
    with pytest.raises(
        InvalidInputError, match=r"not here yet: bruno.styles.fetch\('a-painting'\)"
    ):
        styles.path("a-painting")
    for _ in range(3):
        place = styles.fetch("a-painting")
        assert place == styles.path("a-painting")
        assert styles.load("a-painting") == place.read_bytes() == picture()
    assert scripted.fetched == ["/picture.png"]
    assert [path.name for path in cache.iterdir()] == ["a-painting.jpg"]


def test_many_threads_may_fetch_one(offer: Callable[..., Style], cache: Path) -> None:
    offer()
    places: list[Path] = []
    threads = [
        threading.Thread(target=lambda: places.append(styles.fetch("a-painting"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(places) == 8
    assert [path.name for path in cache.iterdir()] == ["a-painting.jpg"]
    assert Image.open(io.BytesIO(places[0].read_bytes())).size == (64, 48)


def test_another_picture_is_refused(offer: Callable[..., Style], cache: Path) -> None:
    offer(sha256="0" * 64)
    with pytest.raises(InvalidInputError, match="a-painting: .* another picture: its SHA-256 is "):
        styles.fetch("a-painting")
    assert not cache.exists()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/nothing", "style a-painting: .*/nothing answered 404"),
        ("/text", "style a-painting: .*/text answered with no picture: cannot identify"),
    ],
)
def test_what_is_no_picture_is_not_kept(
    path: str, words: str, offer: Callable[..., Style], cache: Path
) -> None:
    offer(path)
    with pytest.raises(InvalidInputError, match=words):
        styles.fetch("a-painting")
    assert not cache.exists()


def test_nobody_at_the_address(offer: Callable[..., Style]) -> None:
    offer(address="http://127.0.0.1:9/picture.png")
    with pytest.raises(
        InvalidInputError, match="style a-painting: .* cannot be fetched: connection re"
    ):
        styles.fetch("a-painting")


def test_too_large_a_picture_is_not_kept(
    offer: Callable[..., Style], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer()
    monkeypatch.setattr("bruno.download.DOWNLOAD_BYTES", 20)
    with pytest.raises(InvalidInputError, match="style a-painting: .* must be at most 20 bytes"):
        styles.fetch("a-painting")
    assert not cache.exists()


def test_a_cache_that_cannot_be_written(
    offer: Callable[..., Style], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer()
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("BRUNO_CACHE", str(tmp_path / "file"))
    with pytest.raises(InvalidInputError, match="cannot be written: .*; BRUNO_CACHE names another"):
        styles.fetch("a-painting")


def test_a_file_is_whole_or_not_there(
    offer: Callable[..., Style], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer()

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InvalidInputError, match="cannot be written: No space left"):
        styles.fetch("a-painting")
    assert list(cache.iterdir()) == []


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRUNO_CACHE", "~/pictures")
    assert styles.folder() == Path.home() / "pictures"
    monkeypatch.delenv("BRUNO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert styles.folder() == Path("/somewhere/bruno/styles")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert styles.folder() == Path.home() / ".cache" / "bruno" / "styles"


def test_a_style_of_the_library_is_a_picture(
    bruno: Bruno, scripted: Scripted, folder: Folder
) -> None:
    bruno.paint("photo.jpg", [styles.path("mosaic"), styles.load("ink")])
    fields = scripted.requests[0].fields
    assert fields["style_1"] == styles.load("mosaic")
    assert fields["style_2"] == styles.load("ink")


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def test_the_command_line_paints_with_a_name(scripted: Scripted, folder: Folder) -> None:
    done = run("paint", "photo.jpg", "--style", "mosaic")
    assert done.exit_code == 0, done.output
    assert scripted.requests[0].fields["style_1"] == styles.load("mosaic")
    assert scripted.fetched == []
    done = run("paint", "photo.jpg", "starry-night.jpg", "--style", "ink", "-o", "two.png")
    assert done.exit_code == 0
    fields = scripted.requests[1].fields
    assert [fields["style_1"], fields["style_2"]] == [folder.style.read_bytes(), styles.load("ink")]


def test_the_command_line_fetches_a_painting(
    scripted: Scripted, folder: Folder, offer: Callable[..., Style]
) -> None:
    offer()
    done = run("paint", "photo.jpg", "--style", "a-painting")
    assert done.exit_code == 0, done.output
    assert done.stderr.startswith("fetching A Painting by A Painter\n")
    assert scripted.requests[0].fields["style_1"] == picture()
    assert "fetching" not in run("paint", "photo.jpg", "--style", "a-painting", "-f").stderr


def test_a_file_of_a_styles_name_wins_and_is_told(scripted: Scripted, folder: Folder) -> None:
    Path("mosaic").write_bytes(picture("pink"))
    done = run("paint", "photo.jpg", "--style", "mosaic")
    assert done.exit_code == 0
    assert done.stderr.startswith("--style mosaic is the file of that name here\n")
    assert scripted.requests[0].fields["style_1"] == picture("pink")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["photo.jpg"], "Missing argument 'STYLE...', or --style NAME of the library"),
        (["photo.jpg", "--style", "no"], "the library has no style 'no': it has glass, ink"),
        (["photo.jpg", "ink"], "there is no file ink; the library's style is asked for by --style"),
    ],
)
def test_styles_that_are_none(
    words: list[str], told: str, scripted: Scripted, folder: Folder
) -> None:
    done = run("paint", *words)
    assert done.exit_code == 2
    assert told in done.stderr
    assert not scripted.requests


def test_names_are_whole_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    words = run("styles").stdout.split()
    assert {style.name for style in styles.library()} <= set(words)


def test_the_list(offer: Callable[..., Style]) -> None:
    offer()
    done = run("styles", "--json")
    assert [entry["name"] for entry in json.loads(done.stdout)][: len(OURS)] == list(OURS)
    words = run("styles").stdout
    for word in ("mosaic", "The Great Wave", "A Painter", "public domain", "to be fetched"):
        assert word.split()[0] in words
    done = run("styles", "ink", "a-painting")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [str(styles.path("ink")), str(styles.path("a-painting"))]
