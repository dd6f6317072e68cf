"""Several servers behind the gateway, without containers: `make fleet N=3`.

With SERVERS=host:port,… it is the gateway alone, before servers that run elsewhere: `make gateway`.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from dataclasses import replace
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
        """Returns when all are ready to paint, or when `stopping` is set; raises StartError."""
        end = time.monotonic() + seconds
        while self.gateway.ready() < len(self.gateway.settings.servers):
            for member in self.members:
                if member.exit_code is not None:
                    raise StartError(f"A server ended at once: {member.last_words()}")
            if time.monotonic() > end:
                raise StartError(f"Not all servers were ready within {seconds:g} s.")
            if (stopping or Event()).wait(POLL_SECONDS):
                return

    def replace(self, number: int, archive: Path | None = None) -> None:
        """Takes a server out, lets it end what it paints, and brings another in for it."""
        member, address = self.members[number], self.settings.addresses[number]
        self.gateway.ask(f"set server fleet/{address} state drain")
        end = time.monotonic() + EMPTY_SECONDS
        while self.gateway.streams(address) and time.monotonic() < end:
            time.sleep(POLL_SECONDS)
        member.stop()
        member.start(archive)
        self.gateway.ask(f"set server fleet/{address} state ready")
        self.wait_until_ready()

    def look_after(self) -> None:
        """Starts again what has ended, unless it ends again and again."""
        for number, member in enumerate(self.members):
            words = member.last_words() if member.exit_code is not None else ""
            if words and member.start_again():
                print(f"server {number} ended and is started again: {words}", flush=True)

    def stop(self) -> None:
        """Ends all of them; the servers have the time that DRAIN gives them."""
        for member in self.members:
            member.terminate()
        for member in self.members:
            member.stop()
        self.gateway.stop()


def announce(fleet: Fleet) -> None:
    """Print what a person needs to paint."""
    gateway = fleet.gateway
    print(f"\nBruno is ready to paint at {gateway.url}, {gateway.ready()} servers behind it.\n")
    key = gateway.key or "A-KEY-OF-YOUR-FILE"
    print(f"  export BRUNO_URL={gateway.url} BRUNO_TOKEN={key}\n")
    print(
        f"Keys: {gateway.keys} (python config/keys.py FILE NAME adds one; kill -USR2 {os.getpid()}"
    )
    print(f"has it read). kill -USR1 {os.getpid()} replaces the servers one by one.")
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
        announce(fleet)
        while not stopping.wait(POLL_SECONDS):
            if fleet.gateway.exit_code is not None:
                print(f"make fleet: HAProxy ended with {fleet.gateway.exit_code}", file=sys.stderr)
                return 1
            _heed(fleet, rolling, reading)
        print("stopping", flush=True)
    finally:
        fleet.stop()
    return 0


def _heed(fleet: Fleet, rolling: Event, reading: Event) -> None:
    fleet.look_after()
    try:
        if reading.is_set():
            reading.clear()
            fleet.gateway.reload()
            print("the keys were read anew", flush=True)
        if rolling.is_set():
            rolling.clear()
            for number in range(len(fleet.members)):
                fleet.replace(number)
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
