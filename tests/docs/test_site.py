"""The site builds without a warning, and its pages ask nothing of other hosts."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import bruno
import bruno.styles
from blocks import ROOT

# What is fetched where a page is opened; a link is followed by who clicks on it.
FETCHED = {"img": "src", "script": "src", "iframe": "src", "source": "srcset", "link": "href"}
# Names for types, and the table that docs/options.md is compared with.
NOT_TOLD = ("__version__", "Event", "OPTIONS", "Options", "Picture", "styles")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def _pages(site: Path) -> list[Path]:
    """The pages, without what Swagger UI has in a frame of one of them."""
    assets = site / "assets"
    return sorted(
        path
        for path in site.rglob("*.html")
        if assets not in path.parents and not path.name.startswith("swagger-")
    )


class _Page(HTMLParser):
    """What a page fetches, its anchors, and what it links to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif FETCHED.get(tag) in given and given.get("rel") not in ("canonical", "prev", "next"):
            self.fetched.append(given[FETCHED[tag]])


def test_every_page_is_reached_from_the_first(site: Path) -> None:
    pages = set(_pages(site))
    seen, ahead = set(), [site / "index.html"]
    while ahead:
        path = ahead.pop()
        if path in seen:
            continue
        seen.add(path)
        targets = [link.split("#")[0] for link in _Page(path).links if "://" not in link]
        ahead += [
            (path.parent / target).resolve() for target in targets if target.endswith(".html")
        ]
    assert pages - seen == {site / "404.html"}


def test_links_and_pictures_lead_somewhere(site: Path) -> None:
    pages = {path: _Page(path) for path in _pages(site) if path.name != "404.html"}
    for path, page in pages.items():
        for link in [*page.links, *page.fetched]:
            if re.match(r"https://|data:|mailto:", link):
                continue
            target, _, anchor = link.partition("#")
            there = (path.parent / target).resolve() if target else path
            if there.is_dir():
                there /= "index.html"
            assert there.is_file(), f"{path.name}: {link}"
            if anchor and there in pages and not anchor.startswith("__"):
                assert anchor in pages[there].anchors, f"{path.name}: {link}"


def test_the_reference_tells_every_public_name(site: Path) -> None:
    told = zlib.decompress((site / "objects.inv").read_bytes().split(b"\n", 4)[4]).decode()
    places = {line.split()[0]: line.split()[3] for line in told.splitlines()}
    public = [f"bruno.{name}" for name in bruno.__all__ if name not in NOT_TOLD]
    public += [f"bruno.styles.{name}" for name in bruno.styles.__all__]
    assert {name for name in public if "sdk.html" not in places.get(name, "")} == set()


def test_pages_name_nothing_of_other_hosts_to_fetch(site: Path) -> None:
    for path in site.rglob("*.html"):
        for target in _Page(path).fetched:
            assert not re.match(r"(https?:)?//", target), f"{path.name}: {target}"
    for path in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", path.read_text()), path.name


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    """The site, served."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...

    handler = functools.partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_pages_ask_nothing_of_other_hosts(site: Path, address: str) -> None:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if not program:
        refuse = pytest.fail if os.environ.get("BRUNO_REQUIRE_BROWSER") == "1" else pytest.skip
        refuse("no Chromium: install it (apt-get install chromium) to open the pages")
    from playwright.sync_api import sync_playwright

    asked: set[str] = set()
    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        page = browser.new_page()
        page.on("request", lambda request: asked.add(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("response", lambda answer: answer.status < 400 or wrong.append(answer.url))
        for path in _pages(site):
            page.goto(address + path.relative_to(site).as_posix(), wait_until="networkidle")
            if path.name == "http.html":
                frame = page.frame_locator("iframe")
                frame.get_by_text("/predictions/bruno").first.wait_for()
        browser.close()
    assert len(asked) > 20
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert wrong == []
