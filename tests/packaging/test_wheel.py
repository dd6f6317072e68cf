"""The client's wheel: what is in it, what it tells of itself, and that it installs by itself.

Installing needs a package index that pip reaches. Where there is none the test is skipped, unless
BRUNO_REQUIRE_INDEX is set, as it is in CI.
"""

from __future__ import annotations

import email.message
import email.parser
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
import zipfile
from pathlib import Path

import pytest
import readme_renderer.markdown
from PIL import Image
from scripted_server import Scripted, picture

from bruno import __version__

ROOT = Path(__file__).resolve().parents[2]


def _python(*words: str | Path, python: str | Path = sys.executable) -> str:
    done = subprocess.run(
        [python, *words], capture_output=True, text=True, timeout=600, cwd=ROOT.anchor
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, since building leaves files behind."""
    folder = tmp_path_factory.mktemp("wheel")
    left = shutil.ignore_patterns("build", "dist", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT / "client", folder / "client", ignore=left)
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder)
    _python("-m", "pip", "wheel", *options, folder / "client")
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as files:
        (name,) = [name for name in files.namelist() if name.endswith(".dist-info/METADATA")]
        return email.parser.Parser().parsestr(files.read(name).decode())


def test_it_holds_the_client_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        names = set(files.namelist())
        (license,) = [name for name in names if name.endswith("licenses/LICENSE")]
        assert files.read(license) == (ROOT / "LICENSE").read_bytes()
    places = {name.split("/")[0] for name in names}
    assert places == {"bruno", f"bruno_paint-{__version__}.dist-info"}
    source = ROOT / "client/src"
    wanted = {
        path.relative_to(source).as_posix()
        for path in (source / "bruno").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if name.startswith("bruno/")} == wanted


def test_it_tells_of_itself(metadata: email.message.Message) -> None:
    assert (metadata["Name"], metadata["Version"]) == ("bruno-paint", __version__)
    assert metadata["License-Expression"] == "MIT"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Summary"]
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert all("https://" in url for url in metadata.get_all("Project-URL", []))
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_its_readme_renders_on_its_own(metadata: email.message.Message) -> None:
    page = readme_renderer.markdown.render(metadata.get_payload())
    assert page
    assert "<table>" in page
    assert "<pre" in page
    targets = re.findall(r'(?:href|src)="(.*?)"', page)
    assert all(target.startswith(("https://", "#")) for target in targets)


def test_pip_installs_no_other_bruno() -> None:
    server = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
    client = tomllib.loads((ROOT / "client/pyproject.toml").read_text())["project"]["name"]
    assert (server, client) == ("bruno-server", "bruno-paint")
    assert not list((ROOT / "handler").glob("bruno/__init__.py"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an empty environment into which pip has installed the wheel."""
    folder = tmp_path_factory.mktemp("empty")
    _python("-m", "venv", folder / "venv")
    programs = folder / "venv/bin"
    probe = (programs / "python", "-m", "pip", "--retries", "1", "--timeout", "15", "download")
    found = subprocess.run(
        [*probe, "--no-deps", "--dest", folder, "click"], capture_output=True, text=True
    )
    if found.returncode and not os.environ.get("BRUNO_REQUIRE_INDEX"):
        pytest.skip(f"pip reaches no package index: {found.stderr.strip().splitlines()[-1]}")
    _python("-m", "pip", "install", "--quiet", wheel, python=programs / "python")
    return programs


def test_it_paints_from_an_empty_environment(installed: Path, tmp_path: Path) -> None:
    _python("-c", "import bruno; bruno.Bruno", python=installed / "python")
    there = _python("-m", "pip", "list", python=installed / "python")
    assert "bruno-paint" in there
    assert not {"torch", "numpy", "gradio", "bruno-server"} & set(there.split())
    for name in ("photo.jpg", "style.jpg"):
        (tmp_path / name).write_bytes(picture())
    with Scripted() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        environment = {"PATH": f"{installed}:{os.environ['PATH']}", "BRUNO_URL": server.url}
        words = [installed / "bruno", "paint", "photo.jpg", "style.jpg"]
        subprocess.run(words, cwd=tmp_path, env=environment, check=True, timeout=120)
        server.shutdown()
    with Image.open(tmp_path / "painting.png") as painting:
        painting.load()


def test_the_studio_says_what_it_needs(installed: Path) -> None:
    words = [installed / "bruno", "studio"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "pip install './client[studio]'" in done.stderr
