"""What the command line tells of itself: help in sections, exit codes, completion."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from bruno.cli import cli
from bruno.cli.help import ENDS
from bruno.options import OPTIONS

from .conftest import Folder
from .scripted_server import Scripted, problem

CLIENT = Path(__file__).resolve().parents[2] / "client"
PAINTERS = ("paint", "batch", "sheet", "compare")


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def _told(help: str) -> list[str]:
    """The long flags that a help lists, each as often as it does."""
    return re.findall(r"^  (?:-\w, )?--([a-z-]+)", help, re.MULTILINE)


@pytest.mark.parametrize("name", PAINTERS)
def test_every_flag_is_told_once_by_help_all(name: str) -> None:
    told = _told(run(name, "--help-all").stdout)
    flags = [flag for flag in cli.commands[name].params if isinstance(flag, click.Option)]
    assert sorted(told) == sorted([*(flag.opts[-1][2:] for flag in flags), "help"])


@pytest.mark.parametrize("name", PAINTERS)
def test_what_few_need_is_folded_away(name: str) -> None:
    short, all = _told(run(name, "--help").stdout), _told(run(name, "--help-all").stdout)
    folded = set(all) - set(short)
    assert {"content-layers", "averaging", "canvas"} <= folded
    assert folded <= {option.replace("_", "-") for option in OPTIONS} | {"canvas"}
    assert {"alpha", "beta", "size", "mask", "url", "help-all"} <= set(short)


@pytest.mark.parametrize("name", cli.commands)
def test_every_command_tells_what_it_does(name: str) -> None:
    done = run(name, "--help")
    assert done.exit_code == 0
    assert re.search(rf"^  {name} +\w", run("--help").stdout, re.MULTILINE)


def test_exit_codes_are_told_by_help_and_readme() -> None:
    help = " ".join(run("--help").stdout.split())
    readme = (CLIENT / "README.md").read_text()
    for code, meaning in ENDS.items():
        assert f"{code} {meaning}" in help
        assert f"| {code} | {meaning} |" in readme


def test_exit_codes_are_what_is_told(scripted: Scripted, folder: Folder) -> None:
    assert run("health").exit_code == 0
    assert run("paint", "photo.jpg", "starry-night.jpg", "--no-such-flag").exit_code == 2
    assert run("paint", "photo.jpg", "no-such-style.jpg").exit_code == 2
    assert run("paint", "photo.jpg", "starry-night.jpg", "--alpha", "-1").exit_code == 2
    defect = json.dumps(problem(500, "internal_error", "a defect")).encode()
    scripted.script = [lambda reply: reply.whole(500, "application/problem+json", defect)]
    assert run("paint", "photo.jpg", "starry-night.jpg").exit_code == 1
    assert run("health", "--url", "http://127.0.0.1:9").exit_code == 1


def _environment(folder: Path) -> dict[str, str]:
    """Where `bruno` is this very client."""
    command = folder / "bruno"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bruno "$@"\n')
    command.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(CLIENT / "src"),
        "HOME": str(folder),
    }


ASKING = {
    "bash": """
        eval "$(bruno completion bash)"
        COMP_WORDS=(bruno {words}) COMP_CWORD={last}
        _bruno_completion bruno
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """,
    "zsh": """
        autoload -U compinit && compinit -u
        eval "$(bruno completion zsh)"
        compadd() {{ print -l -- "${{(P)@[-1]}}" }}
        _describe() {{ print -l -- "${{(P)3[@]}}" }}
        _path_files() {{ print -- files }}
        words=(bruno {words}) CURRENT={next}
        _bruno_completion
    """,
    "fish": """
        bruno completion fish | source
        complete --do-complete 'bruno {words}'
    """,
}


@pytest.mark.parametrize("shell", ASKING)
@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["comp"], "compare"),
        (["paint", "--style-s"], "--style-scale"),
        (["paint", "--color", "lum"], "luminance"),
    ],
)
def test_shells_finish_words(tmp_path: Path, shell: str, words: list[str], found: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    script = ASKING[shell].format(words=" ".join(words), last=len(words), next=len(words) + 1)
    done = subprocess.run(
        [shell, "-c", script],
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert found in re.split(r"[\s:]+", done.stdout), done
