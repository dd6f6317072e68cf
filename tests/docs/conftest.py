"""The blocks of the docs paint with TorchServe: what holds for one server holds for the other."""

from __future__ import annotations

import pytest

from serve import RunningServer


@pytest.fixture(scope="session")
def server(torchserve: RunningServer) -> RunningServer:
    """The contract's tests run against both servers; here one is enough, and half the time."""
    return torchserve
