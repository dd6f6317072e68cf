"""Several servers behind the gateway, without containers: `make fleet N=3`.

With SERVERS=host:port,… it is the gateway alone, before servers that run elsewhere: `make gateway`.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event

from fleet_settings import FleetSettings, read_fleet_settings
from gateway_process import GatewayProcess
from member import Member
from settings import StartError, check_ports, read_settings

POLL_SECONDS = 0.2
READY_SECONDS = 300.0
# How long a server that is replaced may take to end what it paints.
EMPTY_SECONDS = 600.0


class Fleet:
    """Servers, each with a port and a device of its own, and the gateway before them."""

    def __init__(self, settings: FleetSettings, archive: Path | None = None) -> None:
        """Raises StartError where one of them cannot be started; nothing is left behind then."""
        self.settings = settings
        for number in range(settings.number):
            check_ports(read_settings(settings.environment(number)))
        token = settings.gateway.token or secrets.token_urlsafe(32)
        servers = settings.gateway.servers or tuple(settings.addresses)
        self.gateway = GatewayProcess(replace(settings.gateway, token=token, servers=servers))
        self.members: list[Member] = []
        try:
            for number in range(settings.number):
                environment = settings.environment(number) | {"BRUNO_TOKEN": token}
                log = self.gateway.folder / "logs" / f"server-{number}.log"
                self.members.append(Member(environment, log, archive))
        except BaseException:
            self.stop()
            raise

    def wait_until_ready(
        self, seconds: float = READY_SECONDS, stopping: Event | None = None
    ) -> None:
        """Returns when its own servers are ready, or `stopping` is set; raises StartError."""
        end = time.monotonic() + seconds
        while self.gateway.ready() < len(self.members):
            for member in self.members:
                if member.has_ended:
                    raise StartError(f"A server ended at once: {member.last_words()}")
            if time.monotonic() > end:
                raise StartError(f"Not all servers were ready within {seconds:g} s.")
            if (stopping or Event()).wait(POLL_SECONDS):
                return

    def replace(
        self, number: int, archive: Path | None = None, stopping: Event | None = None
    ) -> None:
        """Takes a server out, lets it end what it paints, and brings another in for it.

        Returns when `stopping` is set; raises StartError where the other does not get ready.
        """
        member, address = self.members[number], self.settings.addresses[number]
        stopping = stopping or Event()
        self.gateway.ask(f"set server fleet/{address} state drain")
        self._wait(number, lambda: self._is_empty(number), EMPTY_SECONDS, stopping)
        if stopping.is_set():
            return
        member.stop()
        # Else it would count as ready until a check fails.
        self.gateway.ask(f"set server fleet/{address} health down")
        member.start(archive)
        self.gateway.ask(f"set server fleet/{address} state ready")
        is_ready = partial(self.gateway.is_ready, address)
        self._wait(number, lambda: is_ready() or member.has_ended, READY_SECONDS, stopping)
        if not is_ready() and not stopping.is_set():
            raise StartError(f"The new server {number} is not ready: {member.last_words()}")

    def _wait(
        self, number: int, holds: Callable[[], bool], seconds: float, stopping: Event
    ) -> None:
        """Returns when something holds of a server, or not in time; looks after the others."""
        end = time.monotonic() + seconds
        while not holds() and time.monotonic() < end and not stopping.wait(POLL_SECONDS):
            self.look_after(but=number)

    def _is_empty(self, number: int) -> bool:
        """Whether a server has nothing to do.

        What the gateway sends it still, it does not know yet; what it got by a process of the
        gateway from before a reload, only it knows.
        """
        member = self.members[number]
        if member.has_ended:
            return True
        return not self.gateway.streams(self.settings.addresses[number]) and member.is_idle()

    def look_after(self, but: int | None = None) -> None:
        """Starts again what has ended, unless it ends again and again."""
        for number, member in enumerate(self.members):
            told = "" if number == but else member.mend()
            if told:
                print(f"server {number} {told}", flush=True)

    def stop(self) -> None:
        """Ends all of them; the servers have the time that DRAIN gives them."""
        for member in self.members:
            member.terminate()
        for member in self.members:
            member.stop()
        self.gateway.stop()


def announce(fleet: Fleet) -> None:
    """Print what a person needs to paint."""
    gateway, pid = fleet.gateway, os.getpid()
    if fleet.members:
        print(f"\nBruno is ready to paint at {gateway.url}, {gateway.ready()} servers behind it.\n")
    else:
        servers = ", ".join(gateway.settings.servers)
        print(f"\nThe gateway is at {gateway.url}, before {servers}.")
        print(f"{gateway.url}/health says whether one of them is ready.\n")
    key = gateway.key or "A-KEY-OF-YOUR-FILE"
    print(f"  export BRUNO_URL={gateway.url} BRUNO_TOKEN={key}\n")
    print(f"Keys: {gateway.keys} (python config/keys.py FILE NAME adds one; kill -USR2 {pid}")
    rolls = f" kill -USR1 {pid} replaces the servers one by one." if fleet.members else ""
    print(f"has it read).{rolls}")
    print(f"Logs: {gateway.folder / 'logs'}. Ctrl-C stops everything.\n", flush=True)


def serve(settings: FleetSettings) -> int:
    """Serve until stopped."""
    stopping, rolling, reading = Event(), Event(), Event()
    for event, names in {
        stopping: (signal.SIGINT, signal.SIGTERM, signal.SIGHUP),
        rolling: (signal.SIGUSR1,),
        reading: (signal.SIGUSR2,),
    }.items():
        for name in names:
            signal.signal(name, lambda *_, event=event: event.set())
    fleet = Fleet(settings)
    try:
        print(f"starting at port {settings.gateway.port}", flush=True)
        fleet.wait_until_ready(stopping=stopping)
        if not stopping.is_set():
            announce(fleet)
        while not stopping.wait(POLL_SECONDS):
            if fleet.gateway.exit_code is not None:
                print(f"make fleet: HAProxy ended with {fleet.gateway.exit_code}", file=sys.stderr)
                return 1
            _heed(fleet, rolling, reading, stopping)
        print("stopping", flush=True)
    finally:
        fleet.stop()
    return 0


def _heed(fleet: Fleet, rolling: Event, reading: Event, stopping: Event) -> None:
    fleet.look_after()
    try:
        if reading.is_set():
            reading.clear()
            fleet.gateway.reload()
            print("the keys were read anew", flush=True)
        if rolling.is_set():
            rolling.clear()
            for number in range(len(fleet.members)):
                fleet.replace(number, stopping=stopping)
                if stopping.is_set():
                    return
                print(f"server {number} was replaced", flush=True)
    except StartError as error:
        print(f"make fleet: {error}", file=sys.stderr, flush=True)


def main() -> int:
    """Run from the command line; 2 with one sentence where the fleet cannot start."""
    try:
        return serve(read_fleet_settings())
    except StartError as error:
        print(f"make fleet: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
