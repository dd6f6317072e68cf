"""`bruno studio` as a command."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bruno.cli import cli

from .conftest import free_port, studio


def test_without_its_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.delitem(sys.modules, "bruno.studio.app", raising=False)
    outcome = CliRunner().invoke(cli, ["studio"])
    assert outcome.exit_code == 2
    assert "the studio needs gradio: pip install './client[studio]'" in outcome.output


def test_a_port_that_is_taken() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        words = [sys.executable, "-m", "bruno", "studio", "--port", str(port)]
        outcome = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert outcome.returncode == 2
    assert outcome.stderr.splitlines()[-1] == (
        f"Error: nothing can listen on 127.0.0.1:{port}: choose another --port"
    )


def test_it_serves_on_loopback_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with studio() as address:
        assert address.startswith("http://127.0.0.1:")
        assert list(tmp_path.glob("bruno-studio-*"))
    assert list(tmp_path.glob("bruno-studio-*")) == []
