"""What the image is made of; and, where BRUNO_IMAGE names one that was built, that it paints.

`BRUNO_IMAGE=bruno python -m pytest tests/deploy/test_image.py` starts it as any container platform
would: as the image's own user, with nothing to write to but /tmp.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
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


class Container:
    """A container of the image; buildah's has the host's network, as the others are given it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.builder = build.find_builder(os.environ) or "buildah"
        options = [word for pair in settings.items() for word in ("--env", "=".join(pair))]
        if self.builder == "buildah":
            told = subprocess.check_output([self.builder, "from", IMAGE], text=True)
            self.name = told.strip()
            self._run = [self.builder, "run", "--volume", f"{folder}:/tmp", *options, self.name]
            command = [*self._run, "--", "tini", "--", "python", "config/serve.py"]
        else:
            self.name = f"bruno-test-{os.getpid()}"
            limits = ["--read-only", "--tmpfs", "/tmp", "--shm-size", "1g", "--cap-drop", "all"]  # noqa: S108
            place = ["--network", "host", "--name", self.name]
            self._run = [self.builder, "exec", self.name]
            command = [self.builder, "run", "--rm", *place, *limits, *options, IMAGE]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What a command says inside."""
        separator = ["--"] if self.builder == "buildah" else []
        command = [*self._run, *separator, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def remove(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=100)
        if self.builder == "buildah":
            subprocess.run([self.builder, "rm", self.name], check=True, capture_output=True)


@pytest.fixture(params=["torchserve", "asgi"])
def container(
    request: pytest.FixtureRequest, tmp_path: Path, free_port: int
) -> Iterator[tuple[Container, str]]:
    if not IMAGE:
        pytest.skip("BRUNO_IMAGE names no image")
    tmp_path.chmod(0o777)
    settings = {"PORT": str(free_port), "SERVER": request.param, "BRUNO_TOKEN": TOKEN}
    made = Container(tmp_path, **settings)
    try:
        yield made, f"http://127.0.0.1:{free_port}"
    finally:
        made.remove()


def test_the_image_paints_as_a_user_who_can_write_nothing(
    container: tuple[Container, str], pictures: dict[str, bytes]
) -> None:
    running, url = container
    end = time.monotonic() + 300
    while (seen := running.ask("python", "config/image/probe.py", "ready")).returncode:
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
    assert found <= {"/var/tmp", "/run/lock"}  # noqa: S108 - Debian's own, beside a read-only root
    bill = json.loads(running.ask("cat", "sbom.cdx.json").stdout)
    assert "bruno.mar" in {component["name"] for component in bill["components"]}
