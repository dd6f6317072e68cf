"""Dials that act on the present canvas, in a real browser against a scripted server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scripted_server import Reply, Scripted, accepted, picture, preview, progress

from bruno import read_record

from .conftest import PHOTO, STYLE, Visit, Visiting, painted, paintings, scripted_painting

GO_ON = "#go-on:enabled"


def waits_at_a_canvas(reply: Reply) -> None:
    reply.start()
    reply.say(accepted(reply.received) + progress(25) + preview(25))
    reply.wait_for_the_client_to_leave()


def at_a_canvas(visit: Visiting, address: str, scripted: Scripted) -> Visit:
    """A visitor's page on which a painting has a canvas, and gets no further."""
    scripted_painting(scripted, waits_at_a_canvas)
    visited = visit(address)
    visited.wait_for_server("ready")
    visited.bring()
    visited.paint()
    visited.wait_for_status("Step 25")
    return visited


def asked(fields: dict[str, Any], *names: str) -> list[bytes | None]:
    return [fields.get(name) for name in names]


def test_a_turned_dial_acts_on_the_canvas_that_is_painted(
    address: str, scripted: Scripted, visit: Visiting
) -> None:
    visited = at_a_canvas(visit, address, scripted)
    page = visited.page
    visited.set(beta=80)
    page.click(GO_ON)
    assert scripted.left.wait(20)
    visited.wait_for_status("Finished")
    first, second = paintings(scripted)
    assert asked(first, "beta", "canvas", "resume") == [b"20", None, None]
    canvas = picture("navy", "JPEG")
    resume = b'{"level": 1, "step": 0}'
    assert asked(second, "beta", "canvas", "resume") == [b"80", canvas, resume]
    assert second["content"] == PHOTO.read_bytes()
    page.locator("#shelf li").wait_for()
    assert page.locator("#shelf li").count() == 1
    assert "80" in page.locator("#canvas figcaption").inner_text()


def test_a_finished_painting_goes_on_with_turned_dials(
    address: str, scripted: Scripted, visit: Visiting
) -> None:
    visited = visit(address)
    visited.wait_for_server("ready")
    visited.page.locator("#go-on:disabled").wait_for()
    visited.bring()
    visited.paint()
    visited.wait_for_status("Finished")
    visited.set(alpha=3)
    visited.page.click(GO_ON)
    visited.page.locator("#shelf li").nth(1).wait_for()
    fields = painted(scripted)
    assert fields["alpha"] == b"3"
    assert read_record(fields["canvas"])["options"]["alpha"] == 1


def test_what_cannot_go_on_is_said_and_the_painting_with_it(
    address: str, scripted: Scripted, visit: Visiting, tmp_path: Path
) -> None:
    visited = at_a_canvas(visit, address, scripted)
    page = visited.page
    page.click(GO_ON)
    page.locator(".toast-body").filter(has_text="with these dials already").wait_for()
    page.locator("#photo [aria-label='Remove Image']").click()
    page.locator("#photo input[type=file]").set_input_files(STYLE)
    page.locator("#photo img").wait_for()
    page.click(GO_ON)
    page.locator(".toast-body").filter(has_text="of another photo: choose Paint").wait_for()
    assert "Step 25" in page.inner_text("#said")
    assert len(paintings(scripted)) == 1
