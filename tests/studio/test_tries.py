"""Tries, masks, and how both are written on the page."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, ImageDraw

from bruno import Painting, read_record
from bruno.studio import cards, fragments, masks
from bruno.studio.files import Files
from bruno.studio.lapse import Film
from bruno.studio.order import Order, Queue
from bruno.studio.tries import Try, differences, make_try, shown_file, small, title_of
from bruno.studio.view_state import ViewState
from bruno.unfinished import as_painting
from painter.pictures.encoding import MEDIA_TYPES, encode

ORDER = Order("photo.jpg", ["style.png"], {})
OPTIONS_OF_FORMAT = ("png", "png16", "jpeg", "webp", "tiff", "tiff16")


def picture(color: str = "teal", mode: str = "RGB", format: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new(mode, (64, 48), color).save(file, format)
    return file.getvalue()


def one_try(number: int = 1, photo: str = "photo", note: str = "", **options: Any) -> Try:
    record = {"options": options, "steps": 10, "seconds": 2.0, "seed": 0}
    painting = as_painting(picture(format="JPEG"), record, "png")
    film = Film().after(picture("navy", format="JPEG"))
    order = Order(photo, ["style.png"], {}, note)
    return make_try(number, order, painting, picture("gold", format="JPEG"), film)


def test_a_canvas_carries_its_record() -> None:
    assert read_record(one_try(beta=50).painting.data)["options"] == {"beta": 50}


def test_names() -> None:
    two = Order("/a/my photo.jpg", ["/x/starry.png", "/x/b.png"], {}, "beta 40")
    assert title_of(two) == "my photo as starry and 1 more, beta 40"
    assert one_try(3, "Blick auf Köln, 2.jpg").file_name == "Blick-auf-Köln-2-as-style-3.png"
    tiff = Painting(b"", "image/tiff", 1, 1, {})
    order = Order("a.jpg", ["b.png"], {})
    assert Try(1, order, tiff, Film(), b"", b"", b"").file_name == "a-as-b-1.tiff"


def test_small_pictures_of_any_mode() -> None:
    for mode in ("RGBA", "L", "I;16", "CMYK", "P"):
        image = Image.new(mode, (300, 100))
        assert Image.open(io.BytesIO(small(image, 150))).size == (150, 50)
    gray = Image.new("I;16", (8, 8), 65535)
    assert Image.open(io.BytesIO(small(gray))).getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize("format", OPTIONS_OF_FORMAT)
@pytest.mark.parametrize("channels", [3, 4])
def test_paintings_of_every_format_can_be_shown(format: str, channels: int) -> None:
    pixels = torch.rand(channels, 40, 60)
    alpha = pixels[3] if channels == 4 else None
    data = encode(pixels[:3], alpha, format, 90, {"options": {}, "steps": 1})
    painting = Painting(data, MEDIA_TYPES[format], 60, 40, {})
    shown = Image.open(io.BytesIO(make_try(1, ORDER, painting, None, Film()).shown))
    assert shown.size == (60, 40)


def test_a_file_that_cannot_be_shown(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    assert shown_file(str(tmp_path / "a.png")) is None
    # Of which Pillow raises a ValueError.
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\1IHDR" + bytes(20))
    assert shown_file(str(tmp_path / "a.png")) is None


def test_what_differs() -> None:
    left, right = one_try(beta=5, size=64, preview_every=1), one_try(2, beta=50, size=64)
    assert differences(left, right) == [("beta", "5", "50")]


def test_pictures_and_masks_differ_too() -> None:
    tower, cat = one_try(photo="tower.jpg"), one_try(2, photo="cat.jpg")
    masked = {"masks": {1: b"a"}, "content_mask": b"b"}
    cat = replace(cat, order=Order("cat.jpg", ["ink.webp", "glass.webp"], masked))
    assert differences(tower, cat) == [
        ("photo", "tower", "cat"),
        ("style", "style", "ink, glass"),
        ("number of masks", "0", "2"),
    ]


def test_the_photo_is_beside_paintings_of_it_alone() -> None:
    one, other = one_try(), one_try(2)
    assert "Your photo" in cards.comparison(one, other)
    other = replace(other, photo=picture("gray", format="JPEG"))
    assert "Your photo" not in cards.comparison(one, other)


def test_names_from_files_cannot_become_markup() -> None:
    evil = one_try(photo="<img src=x onerror=alert(1)>")
    orders = Queue()
    orders.add([evil.order])
    for html in (
        cards.shelf([evil], 1),
        cards.comparison(evil, evil),
        fragments.canvas(ViewState(), evil),
        fragments.status(ViewState().saying(evil.title)),
        fragments.queue(orders),
        fragments.lapse("a.webp", evil.name, evil.stem),
    ):
        assert "&lt;img src=x" in html
        assert "<img src=x" not in html


def test_every_picture_has_words() -> None:
    html = fragments.canvas(ViewState(), one_try()) + cards.comparison(one_try(), one_try(2))
    assert html.count("<img") == html.count(" alt=") == 4
    assert 'alt=""' not in html


def test_the_chosen_try_is_pressed() -> None:
    html = cards.shelf([one_try(1), one_try(2)], 2)
    assert html.index('data-pick="2" aria-pressed="true"') < html.index(
        'data-pick="1" aria-pressed="false"'
    )


def brushed(box: tuple[int, int, int, int] | None) -> Image.Image:
    layer = Image.new("RGBA", (40, 20), (0, 0, 0, 0))
    if box:
        ImageDraw.Draw(layer).rectangle(box, fill=(255, 80, 80, 140))
    return layer


def test_a_mask_is_white_where_it_was_brushed() -> None:
    mask = masks.from_layers([brushed((0, 0, 19, 19)), brushed((30, 0, 39, 19))])
    assert mask
    image = Image.open(io.BytesIO(mask))
    assert (image.mode, image.size) == ("L", (40, 20))
    assert [image.getpixel((x, 10)) for x in (5, 25, 35)] == [255, 0, 255]


@pytest.mark.parametrize("layers", [[], [brushed(None)]])
def test_nothing_brushed_is_no_mask(layers: list[Image.Image]) -> None:
    assert masks.from_layers(layers) is None


def brushed_masks(photo: str, *styles: str) -> dict[masks.Place, bytes]:
    """A mask for all that may have one, named like its role."""
    return {place: role.encode() for role, place in masks.places(photo, styles).items()}


def test_masks_go_to_their_fields() -> None:
    kept = brushed_masks("photo", "a", "b")
    assert {role for _, role in masks.roles(2)} == {data.decode() for data in kept.values()}
    assert masks.as_request(kept, "photo", ["a", "b"]) == {
        "content_mask": b"content",
        "masks": {1: b"mask 1", 2: b"mask 2"},
        "style_masks": {1: b"style 1", 2: b"style 2"},
    }


def test_a_changed_photo_leaves_its_masks_behind() -> None:
    kept = brushed_masks("photo", "a")
    assert masks.as_request(kept, "other", ["a"]) == {"style_masks": {1: b"style 1"}}
    assert masks.as_request(kept, None, ["a"]) == {"style_masks": {1: b"style 1"}}


def test_a_removed_style_takes_its_masks_along() -> None:
    kept = brushed_masks("photo", "a", "b")
    assert masks.as_request(kept, "photo", ["b"]) == {
        "content_mask": b"content",
        "masks": {1: b"mask 2"},
        "style_masks": {1: b"style 2"},
    }
    assert masks.as_request(kept, "photo", ["b", "a"])["masks"] == {1: b"mask 2", 2: b"mask 1"}
    assert masks.as_request(kept, "photo", ["c", "d"]) == {"content_mask": b"content"}


def test_a_style_that_is_there_twice_has_two_masks() -> None:
    kept = brushed_masks("photo", "a", "a")
    assert masks.as_request(kept, "photo", ["a", "a"])["masks"] == {1: b"mask 1", 2: b"mask 2"}


def test_a_mask_shows_what_it_covers() -> None:
    mask = masks.from_layers([brushed((0, 0, 19, 19))])
    assert mask
    assert masks.covered(mask) == pytest.approx(0.5)
    shown = Image.open(io.BytesIO(masks.over(mask, picture("teal"), 40)))
    (red, green, _), (other_red, other_green, _) = (
        shown.getpixel((x, 10))
        for x in (5, 35)  # type: ignore[misc]
    )
    assert red > green
    assert other_red < other_green
    assert Image.open(io.BytesIO(masks.over(mask, None, 40))).getpixel((5, 10)) == (255, 255, 255)


def test_files_for_the_browser(tmp_path: Path) -> None:
    files, one = Files(tmp_path), one_try(2)
    assert files.painting(one).read_bytes() == one.painting.data
    assert files.pixels(one).endswith("/photo-as-style-2.png")
    tiff = as_painting(picture(format="JPEG"), one.painting.record, "tiff")
    shown = files.pixels(make_try(1, ORDER, tiff, None, Film()))
    with Image.open(shown.removeprefix("gradio_api/file=")) as image:
        assert image.format == "PNG"
    assert files.before_after(make_try(1, ORDER, tiff, None, Film())) is None
    assert files.film(make_try(1, ORDER, tiff, None, Film())) is None
    film = files.film(one)
    assert film
    assert film.name == "photo-as-style-2.webp"


def test_what_is_brushed_over() -> None:
    assert masks.picture_under("content", "p", ["a", "b"]) == "p"
    assert masks.picture_under("mask 2", "p", ["a", "b"]) == "p"
    assert masks.picture_under("style 2", "p", ["a", "b"]) == "b"
    assert masks.picture_under("style 2", "p", ["a"]) is None
