"""What either server tells Prometheus of a painting that was made and one that was refused."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from promtool import complaints, needs_promtool

from bruno_service.metrics import CATALOG, metric_of, parts
from serve import RunningServer

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
# TorchServe's histograms end at ten seconds, so ours come as gauges, which promtool deplores; and
# it gives each metric of its own, and the labels of ours, names that are not Prometheus's.
DEPLORED = re.compile(
    r"(Requests\dXX|ts_\w+|PredictionTime|QueueTime|Worker\w+Time) .*"
    r"|bruno_\w+ (label names should be written in 'snake_case' not 'camelCase'"
    r"|non-histogram .* should not have .*)"
)


def scrape(server: RunningServer) -> str:
    if server.settings.server == "asgi":
        url, headers = server.url, {"Authorization": f"Bearer {server.token}"}
    else:
        url, headers = f"http://127.0.0.1:{server.settings.port + 2}", {}
    return requests.get(f"{url}/metrics", headers=headers, timeout=60).text


def seen(server: RunningServer) -> dict[str, float]:
    """The series by their names and their own labels, without those that TorchServe adds."""
    series = {}
    for name, value in re.findall(r"^(\w+(?:\{.*\})?) (\S+)$", scrape(server), re.MULTILINE):
        kept = re.sub(r'(ModelName|Hostname|Level|WorkerName)="[^"]*",?', "", name)
        series[kept.replace(",}", "}").replace("{}", "")] = float(value)
    return series


@pytest.fixture(scope="module")
def metrics(server: RunningServer, reach: Callable[[Any], Any], picture: Any) -> Any:
    """The metrics before, and once they tell of a painting and a refusal."""
    service, pictures = reach(server), {"content": picture(seed=1), "style": picture(seed=2)}
    before = seen(server)
    service.headers["traceparent"] = TRACE
    told = service.stream(pictures, size="64", steps="4", preview_every="0.25").text
    assert "event: preview" in told
    assert service.post(pictures, size="63").status_code == 422
    end = time.monotonic() + 100
    refused = 'bruno_paintings_refused_total{code="option_out_of_range"}'
    while seen(server).get(refused, 0) == before.get(refused, 0):
        assert time.monotonic() < end
        time.sleep(0.2)
    return before, seen(server)


def test_a_painting_moves_every_metric_that_tells_of_one(metrics: Any) -> None:
    before, after = metrics
    one = {
        "bruno_paintings_finished_total": 1,
        "bruno_first_preview_seconds_count": 1,
        "bruno_painting_seconds_count": 1,
        'bruno_painting_seconds_bucket{le="+Inf"}': 1,
        "bruno_wait_seconds_count": 1,
        "bruno_evaluations_total": 4,
        'bruno_steps_total{size="64"}': 4,
        'bruno_paintings_failed_total{code="internal"}': 0,
    }
    assert {name: after[name] - before.get(name, 0) for name in one} == one
    assert after["bruno_turn_seconds_total"] > before.get("bruno_turn_seconds_total", 0)
    assert after['bruno_memory_bytes{where="host"}'] > 2**20
    assert (after["bruno_paintings_running"], after["bruno_running_limit"]) == (0, 4)


def test_either_server_tells_the_whole_catalog(server: RunningServer, metrics: Any) -> None:
    _, after = metrics
    ours = {metric_of(parts(name)[0]) for name in after if name.startswith("bruno_")}
    own = {"bruno_answers_total"} if server.settings.server == "torchserve" else set()
    assert ours | own == set(CATALOG)


@needs_promtool
def test_promtool_reads_it_and_deplores_nothing_else(server: RunningServer, metrics: Any) -> None:
    found = complaints(scrape(server))
    if server.settings.server == "asgi":
        assert found == []
    assert [said for said in found if not DEPLORED.fullmatch(said)] == []


def test_the_log_has_one_line_of_the_painting(server: RunningServer, metrics: Any) -> None:
    log = server.process.log("process" if server.settings.server == "asgi" else "worker")
    (line,) = [line for line in log.splitlines() if TRACE in line and '"finished"' in line]
    assert '"outcome": "finished"' in line
    assert server.token not in log
