"""Handlers of the benchmarks."""

from __future__ import annotations

import time

from bgo import hookimpl


def noop(ctx):
    """Do nothing."""


def stamp(ctx):
    """Tell when user code began."""
    return {"at": time.time_ns()}


@hookimpl
def bgo_register_handlers(register):
    """Bring both."""
    register("bench.noop", noop)
    register("bench.stamp", stamp)
