"""Properties of system services, by `busctl`, which every systemd brings: 5 ms a question and no dependency.

A service that does not run is not started by being asked. BGO_BUSCTL names another program to call instead.
"""

from __future__ import annotations

import os
from typing import Any

from bgo.devices.sensors.asking import Limit, Unreadable, ask


def properties(limit: Limit, service: str, path: str, interface: str) -> dict[str, Any]:
    """Return an object's properties, by name; raises Unreadable. https://www.freedesktop.org/software/systemd/man/busctl.html"""
    import json

    program = os.environ.get("BGO_BUSCTL") or "busctl"
    flags = ("--system", "--json=short", "--auto-start=no", "--timeout=1")
    call = ("call", service, path, "org.freedesktop.DBus.Properties", "GetAll", "s", interface)
    text = ask(limit, program, *flags, *call)
    try:
        (found,) = json.loads(text)["data"]
        return {str(name): value["data"] for name, value in found.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Unreadable(f"busctl: no sense in what it says of {service}") from None
