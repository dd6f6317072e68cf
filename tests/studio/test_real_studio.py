"""The studio in a real browser against the real TorchServe with the real VGG-19."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bruno import Bruno, read_record

from .conftest import PHOTO, Visit, Visiting, studio

# Notes every picture that the canvas shows, and how long the curve of the total loss is.
WATCH = """() => {
  window.seen = new Set();
  window.lengths = [];
  new MutationObserver(() => {
    const image = document.querySelector('#canvas img');
    if (image) window.seen.add(image.src);
    const curve = document.querySelector('#losses polyline.total');
    if (curve) window.lengths.push(curve.points.length);
  }).observe(document.querySelector('#right'), {subtree: true, childList: true, attributes: true});
}"""


@pytest.fixture(scope="module")
def address(browser: Any, server: Any) -> Iterator[str]:
    with studio("--url", server.url, "--key-file", str(server.key_file)) as served:
        yield served


def ready(visit: Visiting, address: str, **options: float) -> Visit:
    """A page with both pictures and small settings, as a visitor leaves it before painting."""
    visited = visit(address)
    visited.wait_for_server("ready")
    visited.bring()
    visited.page.get_by_role("button", name="All dials").click()
    visited.set(**{"preview_every": 0.25, **options})
    visited.page.evaluate(WATCH)
    return visited


def download(visited: Visit, folder: Path) -> Path:
    with visited.page.expect_download() as begun:
        visited.page.get_by_role("button", name="Download with its record").click()
    path = folder / begun.value.suggested_filename
    begun.value.save_as(path)
    return path


def test_from_the_upload_to_the_comparison(address: str, visit: Visiting, tmp_path: Path) -> None:
    visited = ready(visit, address, size=128, steps=120, beta=30, seed=7)
    page = visited.page
    visited.paint()
    visited.wait_for_status("Finished: 128 ×", 120)
    assert page.evaluate("window.seen.size") > 3
    assert page.evaluate("Math.max(...window.lengths)") > 3

    painting = download(visited, tmp_path)
    record = read_record(painting)
    assert painting.name == "photo-as-style-1.png"
    assert (record["seed"], record["options"]["beta"], record["width"]) == (7, 30, 128)

    visited.set(beta=200, seed=1, steps=20)
    visited.paint()
    page.locator(".shelf li").nth(1).wait_for(timeout=60000)
    assert page.locator("#compared figure").count() == 3
    table = page.locator("table.differences")
    assert "beta" in table.inner_text()
    assert page.locator(".shelf [aria-pressed=true]").get_attribute("data-pick") == "2"

    visited.load(painting)
    visited.wait_for_status("The settings are those of photo-as-style-1.png.")
    shown = [page.input_value(f"#{name}") for name in ("beta", "seed", "steps")]
    assert shown == ["30", "7", "120"]

    page.locator("#shelf [data-pick='1']").click()
    page.locator("#shelf [data-pick='1'][aria-pressed=true]").wait_for()
    page.get_by_role("button", name="Forget it").click()
    page.locator("#shelf [data-pick='1']").wait_for(state="detached")


def test_stopping_keeps_the_canvas_and_frees_the_server(
    address: str, server: Any, visit: Visiting, tmp_path: Path
) -> None:
    visited = ready(visit, address, size=256, steps=2000)
    page = visited.page
    visited.paint()
    page.wait_for_function("window.seen.size > 2", timeout=120000)
    page.click("#stop")
    assert "kept as a try" in visited.wait_for_status("Stopped at")
    record = read_record(download(visited, tmp_path))
    assert 0 < record["steps"] < 2000
    assert record["incomplete"].startswith("stopped at step")
    for _ in range(60):
        if Bruno(server.url, key_file=server.key_file).describe()["running"] == 0:
            break
        page.wait_for_timeout(250)
    else:
        pytest.fail("the server still paints")


def test_it_goes_on_larger_and_the_canvas_forms_again(
    address: str, visit: Visiting, tmp_path: Path
) -> None:
    visited = ready(visit, address, size=128, steps=20)
    page = visited.page
    visited.paint()
    page.locator("#shelf li").wait_for(timeout=120000)
    small = hashlib.sha256(download(visited, tmp_path).read_bytes()).hexdigest()
    page.get_by_role("button", name="Go on from it, larger").click()
    page.locator("#shelf li").nth(1).wait_for(timeout=240000)
    record = read_record(download(visited, tmp_path))
    assert (record["width"], record["options"]["init"]) == (256, "image")
    assert record["digests"]["canvas"] == small
    page.get_by_role("tab", name="Time-lapse").click()
    film = page.locator("#lapse img")
    film.wait_for()
    page.wait_for_function("document.querySelector('#lapse img').naturalWidth === 256")


def test_a_preset_fills_the_controls(address: str, visit: Visiting) -> None:
    visited = visit(address)
    visited.wait_for_server("ready")
    page = visited.page
    page.get_by_role("radio", name="Quick sketch").check()
    page.wait_for_function("document.querySelector('#size').value === '256'")
    assert page.input_value("#steps") == "40"


def test_a_file_without_a_record_is_refused(address: str, visit: Visiting) -> None:
    visited = visit(address)
    visited.load(PHOTO)
    visited.wait_for_status("photo.jpg carries no record of a Bruno painting.")
