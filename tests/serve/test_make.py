from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent


def test_make_alone_lists_every_target() -> None:
    run = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = set(re.findall(r"^  ([a-z-]+) +[A-Z]", run.stdout, re.MULTILINE))
    phony = set(re.findall(r"^\.PHONY: ([\w-]+)", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert listed == phony - {"force"}
    assert listed >= {"setup", "weights", "archive", "serve", "test", "check", "fix", "clean"}


@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", "Dockerfile"],
        ["yamllint", "--strict", "config"],
    ],
)
def test_linters_of_other_languages_find_nothing(command: list[str]) -> None:
    tool, *arguments = command
    run = subprocess.run(
        [TOOLS / tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_image_copies_only_what_the_build_context_lets_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line[1:].split("/")[0] for line in ignored if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.M)
    sources = {source for line in copied for source in line.split()}
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert source.split("/")[0] in allowed, source


def test_the_archive_holds_the_handler_as_it_is(archive: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        names = set(packed.namelist())
        assert all(info.compress_type == zipfile.ZIP_STORED for info in packed.infolist())
    sources = (ROOT / "handler").rglob("*.py")
    expected = {str(source.relative_to(ROOT / "handler")) for source in sources}
    others = {"vgg19.safetensors", "model-config.yaml", "MAR-INF/MANIFEST.json"}
    assert names == expected | others


def test_the_package_names_every_module_of_the_handler() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    modules = {source.stem for source in (ROOT / "handler").glob("*.py")}
    assert set(project["tool"]["setuptools"]["py-modules"]) == modules
