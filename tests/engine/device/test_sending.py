"""Tensors on their way to a device."""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from painter.device import sending
from painter.device.sending import sent


@pytest.mark.parametrize(("most", "pins"), [(59, 0), (60, 1)])
def test_what_is_sent_is_on_the_device_and_pinned_before_unless_it_is_large(
    monkeypatch, most, pins
):
    pinned = []

    def pin(tensor):
        pinned.append(tensor)
        return tensor

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    monkeypatch.setattr(sending, "_PINNED_MOST", most)
    with FakeTensorMode():
        there = sent(torch.ones(3, 5), torch.device("cuda", 0))
        assert (there.device.type, there.shape) == ("cuda", (3, 5))
        assert sent(there, there.device) is there
    assert len(pinned) == pins


def test_on_the_cpu_nothing_is_moved():
    tensor = torch.ones(2)
    assert sent(tensor, torch.device("cpu")) is tensor
