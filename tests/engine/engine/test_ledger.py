"""Who holds how much memory."""

from __future__ import annotations

import pytest

from painter.engine.ledger import Bytes, Ledger


@pytest.fixture
def ledger():
    """A host and a device of their own."""
    return Ledger(host=100, device=50)


def test_what_is_held_leaves_less(ledger):
    first = ledger.hold(Bytes(host=60, device=20))
    waits = ledger.hold(Bytes(host=10))
    assert ledger.try_hold(Bytes(host=41), instead=waits) is None
    assert ledger.try_hold(Bytes(device=31), instead=waits) is None
    assert ledger.held == Bytes(70, 20)
    begun = ledger.try_hold(Bytes(host=40, device=30), instead=waits)
    assert ledger.held == Bytes(100, 50)
    first.release()
    assert ledger.held == begun.bytes == Bytes(40, 30)


def test_nothing_is_given_back_twice(ledger):
    waits = ledger.hold(Bytes(host=10))
    begun = ledger.try_hold(Bytes(host=20), instead=waits)
    for hold in (waits, begun, begun):
        hold.release()
    assert ledger.held == Bytes()


def test_what_does_not_fit_alone_is_told_with_both_numbers(ledger):
    assert ledger.missing(Bytes(100, 50)) is None
    assert ledger.missing(Bytes(host=101)) == (101, 100)
    assert ledger.missing(Bytes(device=51)) == (51, 50)


def test_on_the_cpu_both_are_one_memory():
    ledger = Ledger(host=100, device=None)
    assert ledger.missing(Bytes(60, 40)) is None
    assert ledger.missing(Bytes(60, 41)) == (101, 100)
    ledger.hold(Bytes(device=70))
    assert ledger.try_hold(Bytes(host=31), instead=ledger.hold(Bytes())) is None
