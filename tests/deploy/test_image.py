"""What the image is made of; and, where BRUNO_IMAGE names one that was built, that it paints.

`BRUNO_IMAGE=bruno python -m pytest tests/deploy/test_image.py` starts it as any platform would: as
the image's own user, without capabilities, on a read-only root with nothing to write to but /tmp.
BUILDER names docker, podman or buildah. A root of buildah's is not read-only: there only the rights
of its files are in the way.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from containers import Container
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from image import build, lock, probe, sbom
from serve import RunningServer

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
IMAGE = os.environ.get("BRUNO_IMAGE", "")
TOKEN = "t" * 20


def pins(text: str) -> dict[str, str]:
    """Versions by the names of packages, as a file of requirements pins them."""
    found = re.findall(r"^([\w.-]+)==([\w.+-]+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def test_the_locks_hold_what_is_pinned_with_a_hash_for_all_of_it() -> None:
    asked: dict[str, str] = {}
    for name in lock.REQUIREMENTS:
        asked |= pins((CONFIG / name).read_text())
    texts = [(CONFIG / name).read_text() for name in lock.TITLES]
    locked = pins("\n".join(texts))
    assert asked.items() <= locked.items()
    for text in texts:
        for block in lock.BLOCK.findall(text):
            assert "--hash=sha256:" in block
        assert len(lock.BLOCK.findall(text)) == len(pins(text))


def test_torch_and_what_it_brings_have_a_lock_of_their_own() -> None:
    one = "{} \\\n    --hash=sha256:00\n"
    names = ("anyio==1", "nvidia-cublas==2", "torch==3", "torch-model-archiver==4", "triton==5")
    parts = lock.split("".join(one.format(name) for name in names))
    assert list(pins(parts["requirements-torch.lock"])) == ["nvidia-cublas", "torch", "triton"]
    assert list(pins(parts["requirements.lock"])) == ["anyio", "torch-model-archiver"]


def test_the_bill_of_materials_is_one_and_the_same_for_the_same_parts() -> None:
    parts = [*sbom.debs(), *sbom.wheels()]
    bill = sbom.bill(parts)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    names = {component["name"] for component in bill["components"]}
    assert names >= {"torch", "torchserve", "pillow"}
    assert sbom.bill(parts[::-1]) == bill
    assert sbom.bill(parts[1:])["serialNumber"] != bill["serialNumber"]


@pytest.mark.parametrize(
    ("builder", "given", "expected"),
    [
        ("docker", {}, "docker build --tag bruno"),
        ("buildah", {}, "buildah build --format docker --tag bruno"),
        (
            "podman",
            {"BASE_IMAGE": "base", "TORCH_INDEX": "https://a", "WEIGHTS": "", "PATH": "/"},
            "podman build --format docker --build-arg BASE_IMAGE=base "
            "--build-arg TORCH_INDEX=https://a --tag bruno",
        ),
    ],
)
def test_a_builder_is_told_what_was_set(builder: str, given: Any, expected: str) -> None:
    assert " ".join(build.build_command(builder, "bruno", given)) == expected


def test_without_a_builder_one_sentence_says_so(tmp_path: Path) -> None:
    script = [sys.executable, build.__file__]
    done = subprocess.run(
        script, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "make image: none of docker, podman, buildah can build here.\n"


def test_a_builder_that_cannot_run_what_it_built_says_so(tmp_path: Path) -> None:
    builder = tmp_path / "builder"
    builder.write_text('#!/bin/sh\n[ "$1" = build ]\n')
    builder.chmod(0o755)
    command = [sys.executable, build.__file__]
    environment = {**os.environ, "BUILDER": str(builder)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    why = f"bruno was built, but {builder} cannot run it here to read what is in it"
    assert (done.returncode, done.stderr) == (1, f"make image: {why}.\n")


def test_a_probe_tells_started_ready_and_alive_apart(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"PORT": str(server.settings.port), "SERVER": server.settings.server}
    monkeypatch.setattr(probe, "_token", lambda: server.token)
    assert probe.state(told) in ("ready", "busy")
    monkeypatch.setattr(probe, "_token", lambda: None)
    assert probe.state({**told, "SERVER": "torchserve"}) == "silent"


@pytest.mark.parametrize(
    ("answers", "word", "yes"),
    [
        ({"/predictions/bruno": (200, {"health": "full"})}, "full", {"started", "ready", "alive"}),
        ({"/predictions/bruno": (0, None), "/ping": (200, {})}, "warming", {"alive"}),
        ({"/predictions/bruno": (503, {}), "/ping": (500, {})}, "broken", set()),
        ({"/predictions/bruno": (0, None), "/ping": (0, None)}, "silent", set()),
        ({"/health": (503, {"health": "draining"})}, "draining", {"alive"}),
        ({"/health": (503, {"health": "warming"})}, "warming", {"alive"}),
        ({"/health": (503, {"health": "broken"})}, "broken", set()),
        ({"/health": (502, None)}, "silent", set()),
    ],
)
def test_each_answer_is_a_word_and_each_word_answers_the_questions(
    answers: dict[str, Any], word: str, yes: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "_token", lambda: "token")
    monkeypatch.setattr(probe, "_ask", lambda url, *_: answers[url.partition(":8080")[2]])
    kind = "asgi" if "/health" in answers else "torchserve"
    assert probe.state({"SERVER": kind}) == word
    assert {question for question, words in probe.YES.items() if word in words} == yes


def test_a_probe_without_a_question_is_a_mistake() -> None:
    script = [sys.executable, probe.__file__, "well"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "probe.py: ask for one of started, ready, alive\n")


@pytest.fixture(params=["torchserve", "asgi"])
def container(
    request: pytest.FixtureRequest, tmp_path: Path, free_port: int
) -> Iterator[tuple[Container, str]]:
    if not IMAGE:
        pytest.skip("BRUNO_IMAGE names no image")
    tmp_path.chmod(0o777)
    settings = {"PORT": str(free_port), "SERVER": request.param, "BRUNO_TOKEN": TOKEN}
    made = Container(IMAGE, tmp_path, **settings)
    try:
        yield made, f"http://127.0.0.1:{free_port}"
    finally:
        made.remove()


def test_the_image_paints_as_a_user_who_can_write_nothing(
    container: tuple[Container, str], pictures: dict[str, bytes]
) -> None:
    running, url = container
    (health,) = re.findall(r"HEALTHCHECK .*\\\n +CMD (\[.*\])", (ROOT / "Dockerfile").read_text())
    end = time.monotonic() + 300
    while (seen := running.ask(*json.loads(health))).returncode:
        assert time.monotonic() < end, seen.stdout + seen.stderr
    answer = requests.post(
        f"{url}/predictions/bruno",
        files=pictures,
        data={"size": "64", "steps": "3"},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=300,
    )
    assert (answer.status_code, answer.content[:4]) == (200, b"\x89PNG")
    assert running.ask("id", "-u").stdout == "10001\n"
    looked = "find / -xdev -writable ! -type l ! -path '/proc/*' ! -path '/dev/*' ! -path '/tmp*'"
    found = set(running.ask("sh", "-c", f"{looked} 2>/dev/null").stdout.split())
    # Debian's own; with buildah the root is not read-only.
    assert found <= ({"/var/tmp", "/run/lock"} if running.builder == "buildah" else set())  # noqa: S108
    bill = json.loads(running.ask("cat", "sbom.cdx.json").stdout)
    assert "bruno.mar" in {component["name"] for component in bill["components"]}
