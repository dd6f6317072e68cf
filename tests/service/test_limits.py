"""How much the service takes on."""

from __future__ import annotations

import pytest

from bruno_service.limits import Limits


@pytest.mark.parametrize(("device", "running"), [("cpu", 4), ("cuda", 64)])
def test_how_many_run_follows_the_device_unless_it_is_said(device: str, running: int) -> None:
    assert Limits().on(device).running == running
    assert Limits(running=0).on(device).running == running
    assert Limits(running=7).on(device) == Limits(running=7)
