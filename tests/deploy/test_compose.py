"""The compose files: valid, and of one mind with the gateway's configuration and the servers'."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from programs import needs
from promtool import judge, needs_promtool

from server_process import GRACE_SECONDS
from settings import OFFSETS, SERVERS, read_settings
from torchserve_process import places

CONFIG = Path(__file__).parents[2] / "config"
COMPOSE = CONFIG / "compose"
FILES = ("compose.yaml", "compose.gpu.yaml")
CARDS = 8


def read(name: str) -> dict[str, Any]:
    """A file with its settings at their defaults, and those that have none as `told`."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (COMPOSE / name).read_text())
    told: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{\w+:\?[^}]*\}", "t" * 16, text))
    return told


@pytest.mark.parametrize("name", FILES)
def test_it_is_what_the_specification_of_compose_says(name: str) -> None:
    words = [Path(sys.executable).parent / "check-jsonschema", "--builtin-schema"]
    done = subprocess.run(
        [*words, "vendor.compose-spec", COMPOSE / name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs("haproxy")
def test_haproxy_takes_its_servers(tmp_path: Path) -> None:
    gateway = read("compose.yaml")["services"]["gateway"]
    (tmp_path / "keys.map").touch()
    told = gateway["environment"] | {"BRUNO_GATEWAY_KEYS": str(tmp_path / "keys.map")}
    words = ["haproxy", "-c", "-f", CONFIG / "gateway/haproxy.cfg", "-f", COMPOSE / "servers.cfg"]
    environment = {"PATH": f"{os.environ['PATH']}:/usr/sbin", **told}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
@pytest.mark.parametrize("server", SERVERS)
def test_prometheus_takes_its_configuration(server: str, tmp_path: Path) -> None:
    name = f"prometheus-{server}.yaml"
    for file in (COMPOSE / name, CONFIG / "prometheus" / "rules.yml"):
        shutil.copy(file, tmp_path)
    code, said = judge("check", "config", "--syntax-only", tmp_path / name)
    assert code == 0, said


def test_servers_gateway_and_prometheus_name_the_same() -> None:
    services = read("compose.gpu.yaml")["services"]
    names = [f"server-{number}" for number in range(CARDS)]
    assert list(services) == names
    asked = re.findall(r"^    server (\S+) (\S+):8080( track fleet/\1)?$", servers(), re.MULTILINE)
    assert [each[0] for each in asked] == [each[1] for each in asked] == names * 2
    assert [bool(each[2]) for each in asked] == [False] * CARDS + [True] * CARDS
    ports = {"torchserve": 8080 + OFFSETS["metrics"], "asgi": 8080}
    for server, port in ports.items():
        told = yaml.safe_load((COMPOSE / f"prometheus-{server}.yaml").read_text())
        (found,) = told["scrape_configs"][0]["dns_sd_configs"]
        assert (found["names"], found["port"]) == (names, port)


def servers() -> str:
    return (COMPOSE / "servers.cfg").read_text()


def test_each_server_has_a_card_of_its_own_and_a_profile_that_starts_it() -> None:
    for number, service in enumerate(read("compose.gpu.yaml")["services"].values()):
        (device,) = service["deploy"]["resources"]["reservations"]["devices"]
        assert device["device_ids"] == [str(number)]
        started = [each for each in (2, 4, 8) if number < each]
        assert service.get("profiles", []) == ([f"gpus-{n}" for n in started] if number else [])
        assert read_settings(service["environment"]).device == "cuda"


def test_what_is_told_is_known() -> None:
    services = read("compose.yaml")["services"]
    server, gateway = services["server-0"], services["gateway"]
    settings = read_settings(server["environment"])
    assert settings.metrics_bind == "0.0.0.0"  # noqa: S104
    assert settings.token == gateway["environment"]["BRUNO_TOKEN"]
    configuration = (CONFIG / "gateway/haproxy.cfg").read_text()
    for name in gateway["environment"]:
        assert re.search(rf"\b{name}\b", configuration), name
    assert int(gateway["environment"]["BRUNO_GATEWAY_PLACES"]) == places("cpu")
    (default,) = re.findall(r"presetenv BRUNO_GATEWAY_PLACES (\d+)", configuration)
    assert int(default) == places("cpu")
    (cuda,) = re.findall(r"on a GPU (\d+)", (COMPOSE / "compose.yaml").read_text())
    assert int(cuda) == places("cuda")


def test_what_is_stopped_has_time_to_drain() -> None:
    for service in ("server-0", "gateway"):
        told = read("compose.yaml")["services"][service]
        drain = float(read("compose.yaml")["services"]["server-0"]["environment"]["DRAIN"])
        assert float(told["stop_grace_period"].removesuffix("s")) >= drain + GRACE_SECONDS


def test_only_the_gateway_and_grafana_are_opened_and_servers_reach_nothing() -> None:
    told = read("compose.yaml")
    opened = {name for name, service in told["services"].items() if "ports" in service}
    assert opened == {"gateway", "grafana"}
    assert told["networks"]["servers"] == {"internal": True}
    assert told["services"]["server-0"]["networks"] == ["servers"]
    for name, service in told["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service.get("read_only") or name == "grafana"


def test_every_file_that_is_mounted_is_there() -> None:
    for service in read("compose.yaml")["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (COMPOSE / source).exists(), source
