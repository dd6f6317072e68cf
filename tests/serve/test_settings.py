from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import settings
from asgi_process import asgi_environment, write_key_file
from bruno_service.limits import Limits
from java_runtime import java_version
from serve import ARCHIVE, check_device
from server_process import make_environment, make_folder
from settings import Settings, StartError, check_ports, read_settings
from torchserve_process import torchserve_command, write_properties

OWN = "a-token-of-my-own"

CONFIG = Path(settings.__file__).parent


def read_properties(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines)


def test_nothing_said_is_loopback_at_8080_on_the_cpu() -> None:
    assert read_settings({"PORT": "", "BIND": ""}) == Settings(
        8080, "127.0.0.1", "cpu", drain_seconds=20
    )


@pytest.mark.parametrize("port", ["0", "65526", "http", "-1", "80.5"])
def test_a_port_that_cannot_be_is_refused(port: str) -> None:
    with pytest.raises(StartError, match=f"from 1 to 65525, not '{port}'"):
        read_settings({"PORT": port})


def test_a_device_that_is_not_known_is_refused() -> None:
    with pytest.raises(StartError, match="DEVICE must be cpu or cuda, not 'tpu'"):
        read_settings({"DEVICE": "tpu"})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"GRAPHS": "yes", "DEVICE": "cuda"}, "GRAPHS must be on or off, not 'yes'"),
        ({"GRAPHS": "on"}, "GRAPHS=on needs DEVICE=cuda, not 'cpu'"),
    ],
    ids=["neither", "no device"],
)
def test_graphs_are_on_or_off_and_for_cuda(given, told):
    with pytest.raises(StartError, match=told):
        read_settings(given)
    assert read_settings({"GRAPHS": "on", "DEVICE": "cuda"}).graphs
    assert read_settings({"DEVICE": "cuda"}).graphs
    assert not read_settings({"GRAPHS": "off", "DEVICE": "cuda"}).graphs


def test_there_are_two_servers_which_drain() -> None:
    assert read_settings({"DRAIN": "9"}) == Settings(drain_seconds=9)
    asgi = read_settings({"SERVER": "asgi"})
    assert (asgi.server, asgi.drain_seconds) == ("asgi", 20)
    assert read_settings({"SERVER": "asgi", "DRAIN": "0"}).drain_seconds == 0
    with pytest.raises(StartError, match="SERVER must be torchserve or asgi, not 'flask'"):
        read_settings({"SERVER": "flask"})
    with pytest.raises(StartError, match="DRAIN must be whole seconds from 0 to 3600, not '-1'"):
        read_settings({"SERVER": "asgi", "DRAIN": "-1"})


def test_the_asgi_server_needs_one_port(free_port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port + 1))
        taken.listen()
        settings.check_ports(Settings(free_port, server="asgi"))
        with pytest.raises(StartError, match="management"):
            settings.check_ports(Settings(free_port))


def test_a_token_is_for_the_servers_owner_alone(tmp_path: Path) -> None:
    write_key_file(tmp_path, OWN)
    environment = asgi_environment(tmp_path, {"A": "1"})
    assert environment["BRUNO_TOKEN"] == OWN
    assert environment["PYTHONPATH"] == str(tmp_path / "model")
    key_file = tmp_path / "key_file.json"
    assert json.loads(key_file.read_text()) == {"inference": {"key": OWN}}
    assert key_file.stat().st_mode & 0o077 == 0


def test_a_token_of_ones_own_is_long_and_not_printed() -> None:
    assert not read_settings({}).token
    given = read_settings({"BRUNO_TOKEN": OWN})
    assert given.token == OWN
    assert given.token not in repr(given)
    for token in ("short", "a token of my own", "a" * 15 + "\n", "ä" * 16):
        with pytest.raises(StartError, match="BRUNO_TOKEN must be 16 letters"):
            read_settings({"BRUNO_TOKEN": token})


def test_torchserve_asks_for_no_token_beside_ones_own(tmp_path: Path) -> None:
    own = Settings(token=OWN)
    properties = read_properties(write_properties(tmp_path, own, ARCHIVE))
    assert json.loads(properties["disable_token_authorization"]) is True


def test_cuda_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with pytest.raises(StartError, match="DEVICE=cuda, but torch finds no CUDA device"):
        check_device(Settings(device="cuda"))


@pytest.mark.parametrize(
    ("offset", "name"),
    [
        (0, "inference"),
        (1, r"management, PORT\+1"),
        (2, r"metrics, PORT\+2"),
        (3, r"gRPC inference, PORT\+3"),
        (4, r"gRPC management, PORT\+4"),
    ],
)
def test_a_port_in_use_is_named(offset: int, name: str, free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port + offset)):
        sentence = rf"Port {free_port + offset} \({name}\) is in use: choose another with `PORT="
        with pytest.raises(StartError, match=sentence):
            check_ports(Settings(free_port))


def test_a_port_in_use_ends_the_start_with_one_line(free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        run = subprocess.run(
            [sys.executable, "-S", settings.__file__],
            env={**os.environ, "PORT": str(free_port)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith(f"make serve: Port {free_port} (inference) is in use")


def test_the_other_ports_follow_the_first_and_only_it_is_opened(tmp_path: Path) -> None:
    path = write_properties(tmp_path, Settings(9000, "0.0.0.0"), ARCHIVE)  # noqa: S104
    properties = read_properties(path)
    assert properties["inference_address"] == "http://0.0.0.0:9000"
    assert properties["management_address"] == "http://127.0.0.1:9001"
    assert properties["metrics_address"] == "http://127.0.0.1:9002"
    assert properties["grpc_inference_address"] == "127.0.0.1"
    assert properties["grpc_inference_port"] == "9003"
    assert properties["grpc_management_address"] == "127.0.0.1"
    assert properties["grpc_management_port"] == "9004"
    assert properties["initial_worker_port"] == "9010"


def test_metrics_alone_may_be_opened_beside_it(tmp_path: Path) -> None:
    given = read_settings({"METRICS_BIND": "0.0.0.0"})  # noqa: S104
    properties = read_properties(write_properties(tmp_path, given, ARCHIVE))
    assert properties["metrics_address"] == "http://0.0.0.0:8082"
    assert properties["inference_address"] == "http://127.0.0.1:8080"
    assert properties["management_address"] == "http://127.0.0.1:8081"


def test_the_server_is_closed_and_takes_large_bodies(tmp_path: Path) -> None:
    properties = read_properties(write_properties(tmp_path, Settings(), ARCHIVE))
    assert json.loads(properties["disable_token_authorization"]) is False
    assert int(properties["token_expiration_min"]) == 365 * 24 * 60
    assert int(properties["max_request_size"]) == int(properties["max_response_size"]) == 64 << 20
    assert properties["allowed_urls"] == f"file://{ARCHIVE.parent}/.*"
    assert properties["metrics_mode"] == "prometheus"


def test_the_java_options_reach_the_command(tmp_path: Path) -> None:
    properties = write_properties(tmp_path, Settings(), ARCHIVE)
    command = torchserve_command(Path("java"), properties)
    # The second has Java collect what Netty leaves behind of forms that it cannot read.
    assert {"-XX:+ExitOnOutOfMemoryError", "-Dio.netty.allocator.type=unpooled"} <= {*command}
    assert any(option.startswith("-Xmx") for option in command)


def test_there_is_one_worker() -> None:
    model = yaml.safe_load((CONFIG / "model-config.yaml").read_text())
    assert model["continuousBatching"] is True
    assert model["minWorkers"] == model["maxWorkers"] == 1


@pytest.mark.parametrize("device", settings.DEVICES)
def test_torchserve_hands_on_more_requests_than_the_handler_takes(
    tmp_path: Path, device: str
) -> None:
    model = yaml.safe_load((CONFIG / "model-config.yaml").read_text())
    assert "batchSize" not in model  # it would count for every device
    asked = model["handler"]
    limits = Limits(asked["running"], asked["waiting"]).on(device)
    properties = read_properties(write_properties(tmp_path, Settings(device=device), ARCHIVE))
    told = json.loads(properties["models"])
    assert told["bruno"]["1.0"]["batchSize"] == limits.running + limits.waiting + 16
    assert model["jobQueueSize"] >= 1024  # and never decides itself


def test_the_environment_is_the_servers_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TS_CONFIG_FILE", "another")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    environment = make_environment(tmp_path, Settings(device="cuda"))
    assert "TS_CONFIG_FILE" not in environment
    assert environment["TEMP"] == environment["TMPDIR"] == str(tmp_path / "tmp")
    assert (environment["BRUNO_DEVICE"], environment["OMP_NUM_THREADS"]) == ("cuda", "3")
    assert environment["BRUNO_GRAPHS"] == "on"
    for plain in (Settings(device="cpu"), Settings(device="cuda", graphs=False)):
        assert make_environment(tmp_path, plain)["BRUNO_GRAPHS"] == "off"
    assert environment["MALLOC_ARENA_MAX"] == "1"


def test_a_folder_is_short_enough_for_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("long" * 30)))
    folder = make_folder()
    try:
        assert len(str(folder / "tmp" / ".ts.sock.65535")) < 104
    finally:
        for name in ("logs", "tmp", ""):
            (folder / name).rmdir()


@pytest.mark.parametrize(
    ("told", "major"),
    [('openjdk version "17.0.9" 2023', 17), ('java version "1.8.0_392"', 8), ("no java", 0)],
)
def test_a_javas_version_is_read(told: str, major: int, tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text(f"#!/bin/sh\necho '{told}' >&2\n")
    java.chmod(0o755)
    assert java_version(java) == major


def test_a_java_that_is_not_there_has_no_version(tmp_path: Path) -> None:
    assert java_version(tmp_path / "java") == 0
