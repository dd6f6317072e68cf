"""The studio's page in a real browser, against a scripted server."""

from __future__ import annotations

import io
import json
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from scripted_server import Reply, Scripted, accepted, event, paint, preview, progress

from .conftest import (
    PHOTO,
    STYLE,
    Visiting,
    free_port,
    painted,
    scripted_painting,
    studio,
)

NAMED = ("button", "textbox", "spinbutton", "slider", "radio", "checkbox", "combobox", "img")


def endless(reply: Reply) -> None:
    reply.start()
    reply.say(event("waiting", {"position": 3}) + accepted(reply.received))
    reply.say(progress(25) + preview(25))
    reply.wait_for_the_client_to_leave()


def going_on(reply: Reply) -> None:
    """Speaks as the real server does, which is how it notices that nobody listens."""
    reply.start()
    reply.say(accepted(reply.received))
    try:
        for step in range(1, 400):
            reply.say(progress(step % 99) + preview(step % 99))
            time.sleep(0.1)
    except OSError:
        reply.server.left.set()
    reply.hang_up()


def waits(reply: Reply) -> None:
    reply.start()
    reply.say(event("waiting", {"position": 3}))
    reply.wait_for_the_client_to_leave()


class Late(Scripted):
    """A scripted server that comes up at a given port."""

    def __init__(self, port: int) -> None:
        self._port = port
        super().__init__()

    def server_bind(self) -> None:
        self.server_address = ("127.0.0.1", self._port)
        super().server_bind()


def test_a_server_that_is_away_and_comes_back(browser: Any, visit: Visiting) -> None:
    port = free_port()
    with studio("--url", f"http://127.0.0.1:{port}") as served:
        visited = visit(served)
        assert "cannot be reached" in visited.wait_for_server("cannot be reached")
        visited.bring()
        visited.paint()
        visited.wait_for_status("is the server running?")
        with Late(port) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            visited.wait_for_server("ready")
            visited.wait_for_status("The server is there again.")
            assert visited.page.input_value("#alpha") == "1"
            visited.paint()
            visited.wait_for_status("Finished")
            server.shutdown()


def test_a_key_file_that_is_missing(
    browser: Any, scripted: Scripted, visit: Visiting, tmp_path: Path
) -> None:
    keys = tmp_path / "key_file.json"
    with studio("--url", scripted.url, "--key-file", str(keys)) as served:
        visited = visit(served)
        visited.wait_for_server("The key file")
        keys.write_text(json.dumps({"inference": {"key": "k"}}))
        visited.wait_for_server("ready")
        assert scripted.requests[-1].headers["Authorization"] == "Bearer k"


def test_what_is_missing_is_said(address: str, visit: Visiting) -> None:
    visited = visit(address)
    visited.paint()
    visited.wait_for_status("Add a photo first.")


def test_a_file_that_is_no_picture_is_for_the_server_to_judge(
    address: str, scripted: Scripted, visit: Visiting, tmp_path: Path
) -> None:
    (tmp_path / "photo.png").write_bytes(b"no picture")
    visited = visit(address)
    visited.bring()
    with visited.page.expect_response("**/upload**"):
        visited.page.locator("#photo [aria-label='Remove Image']").click()
        visited.page.locator("#photo input[type=file]").set_input_files(tmp_path / "photo.png")
    visited.page.locator("#photo [aria-label='Remove Image']").wait_for()
    visited.paint()
    visited.wait_for_status("Finished")
    assert painted(scripted)["content"] == b"no picture"
    assert visited.page.locator(".toast-body").count() == 0


def test_the_place_in_the_line(address: str, scripted: Scripted, visit: Visiting) -> None:
    scripted_painting(scripted, waits)
    visited = visit(address)
    visited.bring()
    visited.paint()
    visited.wait_for_status("In the queue: 2 before yours.")


def test_two_visitors_do_not_meet(address: str, scripted: Scripted, visit: Visiting) -> None:
    scripted_painting(scripted, endless)
    one, other = visit(address), visit(address)
    one.bring()
    one.paint()
    one.wait_for_status("Step 25")
    other.bring()
    other.paint()
    other.wait_for_status("Finished")
    other.page.locator(".shelf li").first.wait_for()
    assert one.page.locator(".shelf li").count() == 0
    assert "Step 25" in one.page.inner_text("#said")


def test_leaving_the_page_frees_the_server(
    address: str, scripted: Scripted, visit: Visiting
) -> None:
    scripted_painting(scripted, going_on)
    visited = visit(address)
    visited.bring()
    visited.paint()
    visited.wait_for_status("Step")
    visited.page.goto("about:blank")
    assert scripted.left.wait(20)


def draw(page: Any, box: dict[str, float]) -> None:
    """Draws a line across the middle of a part of the page."""
    middle = box["y"] + box["height"] * 0.5
    page.mouse.move(box["x"] + box["width"] * 0.4, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=2)
    page.mouse.up()


def brush(page: Any, role: str | None = None) -> None:
    """Brushes a line across the middle, and keeps it as a mask."""
    from playwright.sync_api import TimeoutError

    if role:
        page.get_by_label("This mask says").click()
        page.get_by_role("option", name=role).click()
    canvas = page.locator("#masks canvas").first
    canvas.wait_for()
    canvas.scroll_into_view_if_needed()
    kept = page.locator(".masks li").count()
    # The editor tells nowhere that it is ready, nor that it has taken a stroke in.
    for attempt in range(12):
        if attempt % 3 == 0:
            draw(page, canvas.bounding_box())
        page.get_by_role("button", name="Keep this mask").click()
        with suppress(TimeoutError):
            page.locator(".masks li").nth(kept).wait_for(timeout=1500)
            return
    pytest.fail("no mask was kept")


def test_masks_stay_with_their_pictures(address: str, scripted: Scripted, visit: Visiting) -> None:
    visited = visit(address)
    visited.bring(PHOTO, STYLE, PHOTO)
    page = visited.page
    page.locator("#styles img").nth(1).wait_for()
    page.get_by_role("button", name="Masks").click()
    brush(page)
    brush(page, "Which part of style 2 counts")
    assert page.locator(".masks li").count() == 2
    page.locator("#photo [aria-label='Remove Image']").click()
    page.locator(".masks li").nth(1).wait_for(state="detached")
    page.locator("#photo input[type=file]").set_input_files(STYLE)
    page.locator("#photo img").wait_for()
    page.locator("#styles .thumbnail-item").first.hover()
    page.locator("#styles").get_by_role("button", name="Delete").first.click()
    page.locator(".masks li").filter(has_text="Which part of style 1 counts").wait_for()
    assert page.locator(".masks li").count() == 1
    visited.paint()
    visited.wait_for_status("Finished")
    fields = painted(scripted)
    assert [name for name in fields if "mask" in name] == ["style_mask_1"]
    assert fields["style_1"] == PHOTO.read_bytes()


def test_an_early_stop_is_not_lost(address: str, scripted: Scripted, visit: Visiting) -> None:
    def held(reply: Reply) -> None:
        scripted.script.insert(0, held)
        go_on.wait(60)
        paint(reply)

    go_on = threading.Event()
    visited = visit(address)
    visited.wait_for_server("ready")
    visited.bring()
    scripted.script = [held]
    visited.paint()
    visited.page.locator("#stop:enabled").click()
    visited.page.locator("#stop:disabled").wait_for()
    go_on.set()
    visited.wait_for_status("Stopped before there was a canvas to keep.")
    assert not any(one.fields for one in scripted.requests)
    visited.paint()
    visited.wait_for_status("Finished")


def test_a_double_click_paints_once(address: str, scripted: Scripted, visit: Visiting) -> None:
    def held(reply: Reply) -> None:
        go_on.wait(60)
        paint(reply)

    go_on = threading.Event()
    scripted_painting(scripted, held)
    visited = visit(address)
    visited.bring()
    visited.page.dblclick("#paint")
    visited.page.locator("#stop:enabled").wait_for()
    go_on.set()
    visited.wait_for_status("Finished")
    visited.page.locator(".shelf li").wait_for()
    visited.paint()
    visited.page.locator(".shelf li").nth(1).wait_for()
    assert len([one for one in scripted.requests if one.fields]) == 2


def test_a_mask_is_brushed_shown_and_removed(
    address: str, scripted: Scripted, visit: Visiting
) -> None:
    visited = visit(address)
    visited.bring()
    page = visited.page
    page.get_by_role("button", name="Masks").click()
    page.get_by_role("button", name="Keep this mask").click()
    page.get_by_text("There is nothing to keep: brush first.").wait_for()
    brush(page)
    page.get_by_text("The mask is kept.").wait_for()
    visited.paint()
    visited.wait_for_status("Finished")
    mask = painted(scripted)["content_mask"]
    image = Image.open(io.BytesIO(mask))
    assert image.width / image.height == pytest.approx(512 / 342, rel=0.02)
    white = sum(image.histogram()[128:]) / (image.width * image.height)
    assert 0.001 < white < 0.3
    told = page.locator(".masks li").inner_text()
    assert f"Where the content of the photo counts: {white:.0%}" in told
    page.get_by_role("button", name="Remove: Where the content").click()
    page.locator(".masks li").wait_for(state="detached")
    visited.set(alpha=2)
    visited.paint()
    page.locator("#shelf li").nth(1).wait_for()
    assert "content_mask" not in painted(scripted)


def test_everything_has_a_name_and_its_place(address: str, visit: Visiting) -> None:
    visited = visit(address)
    visited.bring()
    page = visited.page
    for fold in ("Several styles", "All dials", "Masks"):
        page.get_by_role("button", name=fold).click()
    page.locator("#quality").wait_for()
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    nameless = [
        node
        for node in tree
        if not node.get("ignored")
        and node["role"]["value"] in NAMED
        and not node.get("name", {}).get("value")
    ]
    described = [
        page.context.new_cdp_session(page).send(
            "DOM.describeNode", {"backendNodeId": node["backendDOMNodeId"]}
        )["node"]["attributes"]
        for node in nameless
    ]
    assert described == []
    assert page.locator("[tabindex]:not([tabindex='0']):not([tabindex='-1'])").count() == 0
    assert page.locator("[role=status]").count() >= 2
    assert page.locator("h1").count() == 1


def test_a_dial_turns_by_keyboard(address: str, visit: Visiting) -> None:
    page = visit(address).page
    page.locator("#alpha").wait_for()
    page.locator("#server").filter(has_text="ready").wait_for()
    dial = page.get_by_role("slider", name="Keep the photo, by round numbers")
    dial.focus()
    page.keyboard.press("ArrowRight")
    assert page.input_value("#alpha") == "1.2"
    page.fill("#alpha", "3.3")
    page.press("#alpha", "Tab")
    assert dial.get_attribute("aria-valuetext") == "3.3"
    page.keyboard.press("ArrowLeft")
    assert page.input_value("#alpha") == "2.5"


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1440, 1000)])
def test_fits_the_screen_in_dark_and_light(
    address: str, visit: Visiting, width: int, height: int
) -> None:
    papers = []
    for scheme in ("dark", "light"):
        visited = visit(address, width, height, color_scheme=scheme)
        visited.bring()
        visited.paint()
        visited.wait_for_status("Finished")
        page = visited.page
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        tight = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth).length"
        assert page.locator("#actions button").evaluate_all(tight) == 0
        box = page.locator("#paint").bounding_box()
        assert 0 <= box["y"] <= height - box["height"]
    dark, light = (sum(map(int, paper[4:-1].split(","))) / 3 for paper in papers)
    assert dark < 60
    assert light > 200
