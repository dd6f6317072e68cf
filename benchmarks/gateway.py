"""What the gateway takes of a painting: in turns with and without it, in one run."""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from bruno import Bruno
from gateway_process import GatewayProcess
from gateway_settings import GatewaySettings
from pairs import ROOT
from serve import ARCHIVE, RunningServer, start_server
from serving import find_port
from settings import Settings

POLL_SECONDS = 0.05


def main() -> None:
    """Print the median of each way, their ratio, and the gateway's own processor time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--server", default="asgi", choices=("asgi", "torchserve"))
    parser.add_argument("--archive", type=Path, default=ARCHIVE)
    asked = parser.parse_args()
    server = start_server(Settings(find_port(), server=asked.server), asked.archive)
    try:
        _compare(server, asked)
    finally:
        server.stop()


def _compare(server: RunningServer, asked: argparse.Namespace) -> None:
    address = urlsplit(server.url).netloc
    gateway = GatewayProcess(GatewaySettings(find_port(), server.token, (address,)))
    try:
        while not gateway.ready():
            time.sleep(POLL_SECONDS)
        ways = {
            "directly": Bruno(server.url, token=server.token),
            "through the gateway": Bruno(gateway.url, token=gateway.key),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        own, painted = 0.0, 0.0
        for number in range(asked.rounds + 1):  # the first warms up
            for way, client in ways.items():
                before = _used(gateway), _used_by(server)
                seconds[way].append(_paint(client, asked, seed=number))
                if client.url == gateway.url and number:
                    own += _used(gateway) - before[0]
                    painted += _used_by(server) - before[1]
    finally:
        gateway.stop()
    medians = {way: statistics.median(values[1:]) for way, values in seconds.items()}
    for way, median in medians.items():
        listed = ", ".join(f"{value:.2f}" for value in seconds[way][1:])
        print(f"{way}: {median:.2f} s (median of {listed})")
    ratios = [b / a for a, b in zip(*(values[1:] for values in seconds.values()), strict=True)]
    print(f"ratio of the pairs: {statistics.median(ratios):.4f} (median)")
    print(f"processor time: gateway {own:.2f} s of {painted:.2f} s, {own / painted:.2%}")


def _paint(client: Bruno, asked: argparse.Namespace, seed: int) -> float:
    began = time.perf_counter()
    examples = ROOT / "examples"
    content, style = next(examples.glob("photo.*")), next(examples.glob("style.*"))
    client.paint(content, style, size=asked.size, steps=asked.steps, seed=seed)
    return time.perf_counter() - began


def _used(gateway: GatewayProcess) -> float:
    workers = psutil.Process(gateway.pid).children()
    return sum(sum(worker.cpu_times()[:2]) for worker in workers)


def _used_by(server: RunningServer) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in server.process.members())


if __name__ == "__main__":
    main()
