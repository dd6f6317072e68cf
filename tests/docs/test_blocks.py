"""Every block of code in the documentation is run, or checked by what can tell."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from scripted_server import Scripted, picture

from blocks import ROOT, Command, blocks, commands
from bruno.styles import library
from bruno_service.bodies import FRAME_BYTES
from bruno_service.limits import BODY_BYTES
from bruno_service.observation import log_entry
from bruno_service.session import Session
from painter.options.reading import read_options

# What the pages name; oil, glass and the like are paintings of the reader's own.
PHOTOS = ("photo.jpg", "portrait.jpg", "panorama.jpg")
PAINTINGS = (
    *("starry-night.jpg", "sunset.jpg", "wave.jpg"),
    *("oil.png", "glass.png", "ink.png", "painting.png"),
)
MASKS = ("sky.png", "face.png", "sky-of-the-painting.png")

ALL = commands()


def _of(*names: str) -> list[Command]:
    return [command for command in ALL if command.name in names]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the reader stands: in the repository, with pictures of their own."""
    for name in ("examples", "model_store", "client"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in (*PHOTOS, *PAINTINGS, *MASKS):
        shutil.copy(ROOT / "examples/photo.jpg", tmp_path / name)
    Image.new("L", (64, 48), "white").save(tmp_path / "sky.png")
    for name in ("photos", "styles", "painted"):
        (tmp_path / name).mkdir()
        if name != "painted":
            (tmp_path / name / f"one-of-{name}.png").write_bytes(picture())
    # Paintings of the library are as if fetched: their addresses are no part of a test.
    (tmp_path / "cache").mkdir()
    for style in library():
        (tmp_path / "cache" / f"{style.name}.jpg").write_bytes(picture("orange", "JPEG"))
    return tmp_path


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    with Scripted() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def _environment(folder: Path, url: str, token: str = "") -> dict[str, str]:
    tools = folder / "tools"
    tools.mkdir()
    (tools / "bruno").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bruno "$@"\n')
    (tools / "bruno").chmod(0o755)
    path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    cache = str(folder / "cache")
    told = {"BRUNO_URL": url, "BRUNO_TOKEN": token, "BRUNO_CACHE": cache, "PATH": path}
    return {name: value for name, value in os.environ.items() if "BRUNO" not in name} | told


def _run(words: list[Any], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _check_what_was_sent(server: Scripted) -> None:
    """The scripted server takes anything: whether the options are right, the engine says."""
    sent = [request.options for request in server.requests if request.fields]
    for options in sent:
        read_options({name: value for name, value in options.items() if name not in OTHERS})


OTHERS = ("stream", "style_weights", "resume")
PYTHON = blocks("python")
DRIVES_THE_ENGINE = [block for block in PYTHON if "painter" in block.text]


@pytest.mark.parametrize("block", [b for b in PYTHON if b not in DRIVES_THE_ENGINE], ids=str)
def test_python_of_the_client_runs(block: Any, folder: Path, scripted: Scripted) -> None:
    _run([sys.executable, "-c", block.text], folder, _environment(folder, scripted.url))
    _check_what_was_sent(scripted)


@pytest.mark.parametrize("block", DRIVES_THE_ENGINE, ids=str)
def test_python_of_the_engine_paints(block: Any, folder: Path, weights: Path) -> None:
    (folder / "painting.png").unlink()
    before = set(folder.glob("*.png"))
    _run([sys.executable, "-c", block.text], folder, _environment(folder, ""))
    painted = set(folder.glob("*.png")) - before
    assert painted
    for path in painted:
        with Image.open(path) as painting:
            assert "bruno" in painting.text
            assert max(painting.size) == 128


@pytest.mark.parametrize("command", _of("bruno"), ids=str)
def test_commands_of_the_client_run(command: Command, folder: Path, scripted: Scripted) -> None:
    if command.line.startswith("bruno completion"):
        command = Command(command.block, command.line.split("|")[0])
    if command.line == "bruno studio":  # a page that stays open; tests/studio clicks on it
        command = Command(command.block, "bruno studio --help")
    line = command.line
    for name in re.findall(r"(?:-o|>) (\S+\.\w+)", line) or ["painting.png"]:
        (folder / name).unlink(missing_ok=True)
    if "--like" in command.line:
        paint = [sys.executable, "-m", "bruno", "paint", "photo.jpg", "starry-night.jpg"]
        url = ["--url", scripted.url, "-o", "painting.jpg"]
        _run([*paint, *url], folder, os.environ.copy())
    environment = _environment(folder, scripted.url)
    _run(["bash", "-c", line], folder, environment)
    _check_what_was_sent(scripted)


@pytest.mark.parametrize("command", _of("curl"), ids=str)
def test_curl_paints(command: Command, folder: Path, server: Any) -> None:
    for name in re.findall(r"-o (\S+)", command.line):
        (folder / name).unlink(missing_ok=True)
    # The last of a name counts, so that a draft of one step is painted.
    line = command.line.replace(" http", " -F size=64 -F steps=1 http") + " --silent"
    if "-d" in command.line.split():
        line = command.line
    line = line.replace("http://127.0.0.1:8080", server.url)
    told = _run(["bash", "-c", line], folder, _environment(folder, server.url, server.token))
    for name in re.findall(r"-o (\S+)", command.line):
        with Image.open(folder / name) as painting:
            assert max(painting.size) == 64
            told = "painted"
    assert told


@pytest.mark.parametrize("command", _of("python"), ids=str)
def test_commands_of_python_are_there(command: Command, folder: Path, weights: Path) -> None:
    words = [sys.executable, *command.line.split()[1:]]
    environment = _environment(folder, "")
    if words[1:3] == ["-m", "painter"]:
        _run([*words, "--size", "64", "--steps", "1"], folder, environment)
    else:
        named = words[1:3] if words[1] == "-m" else words[1:2]
        _run([sys.executable, *named, "--help"], folder, environment)


@pytest.mark.parametrize("command", _of("make"), ids=str)
def test_targets_of_make_are_there(command: Command) -> None:
    subprocess.run(
        ["bash", "-c", f"{command.line} --dry-run"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=60,
    )


@pytest.mark.parametrize("command", _of("pip"), ids=str)
def test_what_pip_installs_is_there(command: Command) -> None:
    if listed := re.fullmatch(r"pip install -r (\S+)", command.line):
        assert (ROOT / listed[1]).is_file()
        return
    found = re.match(r"pip install '?\./(\w+)(?:\[(\w+)\])?'?", command.line)
    assert found
    project = tomllib.loads((ROOT / found[1] / "pyproject.toml").read_text())["project"]
    assert found[2] is None or found[2] in project["optional-dependencies"]


@pytest.mark.parametrize("command", _of("export", "eval"), ids=str)
def test_lines_for_the_shell_itself(command: Command, folder: Path) -> None:
    shell = "zsh" if "completion zsh" in command.line else "bash"
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    ready = "autoload -U compinit && compinit -u; " if shell == "zsh" else ""
    _run([shell, "-c", ready + command.line], folder, _environment(folder, ""))


@pytest.mark.parametrize("command", _of("docker"), ids=str)
def test_the_container_publishes_the_port_of_the_image(command: Command) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    for port in re.findall(r"--publish \S+:(\d+)", command.line):
        assert f"EXPOSE {port}" in dockerfile
    for file in re.findall(r"--file (\S+)", command.line):
        assert (ROOT / file).is_file()
    assert re.match(r"docker (build|run|compose) ", command.line)


@pytest.mark.parametrize("command", _of("kubectl"), ids=str)
def test_kubectl_makes_what_it_is_to_apply(command: Command, folder: Path) -> None:
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    (folder / "config").symlink_to(ROOT / "config")
    (folder / "keys.map").touch()
    line = command.line.split("|")[0]
    if line.startswith("kubectl create"):
        line += " --dry-run=client -o yaml"
    elif line.startswith("kubectl apply"):
        named = re.search(r"-f (\S+)", line)
        assert named
        line = f"cat {named[1]}/*.yaml"
    told = _run(["bash", "-c", line], folder, {**os.environ, "BRUNO_TOKEN": "t" * 16})
    assert [one["kind"] for one in yaml.safe_load_all(told) if one]


@pytest.mark.parametrize("block", blocks("nginx"), ids=str)
def test_the_proxy_takes_its_settings(block: Any, tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if not nginx:
        pytest.skip("nginx is not installed")
    settings = tmp_path / "nginx.conf"
    settings.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{block.text}\n}}\n")
    words = [nginx, "-t", "-c", settings, "-p", tmp_path, "-e", tmp_path / "errors"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    # As much as the service takes in.
    assert f"client_max_body_size {BODY_BYTES + FRAME_BYTES >> 20}m;" in block.text


LINES = [block for block in blocks("json") if '"outcome"' in block.text]


@pytest.mark.parametrize("block", [b for b in blocks("json") if b not in LINES], ids=str)
def test_problems_are_those_of_the_document(block: Any) -> None:
    schemas = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())["components"]["schemas"]
    problem = json.loads(block.text)
    assert set(problem) == set(schemas["Problem"]["required"])
    assert problem["code"] in {one["const"] for one in schemas["ProblemCode"]["oneOf"]}


@pytest.mark.parametrize("block", LINES, ids=str)
def test_the_line_of_the_log_has_what_is_logged(block: Any) -> None:
    assert list(json.loads(block.text)) == list(log_entry(Session("r1", 0.0)))


def test_the_tree_of_errors_is_that_of_the_client() -> None:
    import bruno.errors

    (told,) = [block.text for block in blocks("text") if "BrunoError" in block.text]
    assert told in (bruno.errors.__doc__ or "")
    raised = [name for name in vars(bruno.errors) if name.endswith("Error")]
    assert set(raised) == set(re.findall(r"[*-] (\w+Error)\b", told))


def test_no_block_is_left_out() -> None:
    checked = {"python", "sh", "json", "nginx", "text"}
    # Those are whole files, which tests/client_examples runs.
    embedded = {" { .python }", " { .html }"}
    for block in blocks():
        assert block.language in checked | embedded, block
        assert block.language not in embedded or block.text.startswith('--8<-- "client/examples/')
    names = {"bruno", "curl", "python", "make", "pip", "export", "eval", "docker", "kubectl"}
    assert {command.name for command in ALL} <= names
