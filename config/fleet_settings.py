"""What a fleet is told by its environment, checked before anything starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway_files import addresses
from gateway_settings import GatewaySettings
from server_process import usable_cores
from settings import LOOPBACK, StartError, read_settings
from torchserve_process import places

MOST = 64
# The ports of one server, from the first to those of its worker.
APART = 20
OWN = "BRUNO_GATEWAY_"
PLACES = f"{OWN}PLACES"


@dataclass(frozen=True)
class FleetSettings:
    """The gateway, and how many servers of which kind are started behind it.

    Each server has the ports after those of the one before; on CUDA each has a card of its own.
    """

    gateway: GatewaySettings
    number: int = 0
    server: str = "torchserve"
    device: str = "cpu"
    cards: tuple[str, ...] = ()
    drain: str = "20"

    @property
    def addresses(self) -> list[str]:
        """Where the servers listen."""
        return [f"{LOOPBACK}:{self._port(number)}" for number in range(self.number)]

    def environment(self, number: int) -> dict[str, str]:
        """What a server is told."""
        own = {
            "PORT": str(self._port(number)),
            "BIND": LOOPBACK,
            "SERVER": self.server,
            "DEVICE": self.device,
            "DRAIN": self.drain,
        }
        if self.device == "cuda":
            return own | {"CUDA_VISIBLE_DEVICES": self.cards[number]}
        # Servers on one processor share its cores.
        shared = max(1, usable_cores() // self.number)
        return own | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS") or str(shared)}

    def _port(self, number: int) -> int:
        return self.gateway.port + APART * (number + 1)


def read_fleet_settings(environment: Mapping[str, str] = os.environ) -> FleetSettings:
    """Settings from N or SERVERS, from CANARY and KEYS, and from what a server is told.

    Raises StartError for values that cannot be.
    """
    common = read_settings(environment)
    servers = tuple(addresses(environment.get("SERVERS") or ""))
    if servers and not common.token:
        raise StartError("SERVERS needs BRUNO_TOKEN, the token that all of them ask for.")
    number = _number(environment.get("N") or "1") if not servers else 0
    keys = environment.get("KEYS")
    if keys and not Path(keys).is_file():
        raise StartError(
            f"KEYS names no file: {keys}. `python config/keys.py {keys} NAME` makes it."
        )
    gateway = GatewaySettings(
        port=common.port,
        token=common.token,
        servers=servers,
        canary=tuple(addresses(environment.get("CANARY") or "")),
        bind=common.bind,
        keys=Path(keys).resolve() if keys else None,
        more={PLACES: str(places(common.device))} | _more(environment),
    )
    cards = _cards(environment, number) if common.device == "cuda" and not servers else ()
    drain = environment.get("DRAIN") or "20"
    return FleetSettings(gateway, number, common.server, common.device, cards, drain)


def _more(environment: Mapping[str, str]) -> dict[str, str]:
    """What the gateway's configuration is told by names of its own."""
    return {name: told for name, told in environment.items() if name.startswith(OWN) and told}


def _number(given: str) -> int:
    if not given.isdecimal() or not 1 <= int(given) <= MOST:
        raise StartError(f"N must be a whole number from 1 to {MOST}, not {given!r}.")
    return int(given)


def _cards(environment: Mapping[str, str], number: int) -> tuple[str, ...]:
    listed = environment.get("CUDA_VISIBLE_DEVICES")
    cards = listed.split(",") if listed else [str(card) for card in range(number)]
    if len(cards) < number:
        raise StartError(
            f"N={number} needs as many cards, and CUDA_VISIBLE_DEVICES names {listed}."
        )
    return tuple(cards[:number])
