"""A flow on ground of its own: an empty store, a clock and a device that the test moves, nobody's configuration."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from weakref import WeakKeyDictionary

from bgo.api import TaskFlow
from bgo.config import Flags, Settings, load
from bgo.devices.signals import over
from bgo.engine.explain import Ground
from bgo.errors import RefusedError, UsageError
from bgo.model.device import DeviceState, Facts, facts_of
from bgo.testing import motor
from bgo.testing.clock import ManualClock
from bgo.testing.device import ScriptedDevice

SLOTS = 4
"""Not as many as this computer has cores: a test must do the same everywhere."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """What a test has in hand while its flow is isolated."""

    flow: TaskFlow
    clock: ManualClock
    device: ScriptedDevice
    home: Path
    """What bgo writes lies below it, the store as `bgo.db`."""


_DEVICES: WeakKeyDictionary[TaskFlow, ScriptedDevice] = WeakKeyDictionary()


@contextmanager
def isolated(
    flow: TaskFlow,
    *,
    home: str | Path | None = None,
    clock: ManualClock | None = None,
    device: ScriptedDevice | None = None,
    config: str | Path | None = None,
) -> Iterator[Isolation]:
    """Give `flow` an empty store, a clock that stands still and a scripted device, and put everything back at the end.

    Handlers stay as they are. The user's configuration and BGO_* variables do not count, for other flows made
    meanwhile neither; `config` names a config.toml to use instead, for queues and limits of your own. `home` is an
    existing directory of yours (the default is a temporary one); flows that are given one home share its store.
    """
    import tempfile

    if device is None:
        device = ScriptedDevice(clock or ManualClock())
    elif clock not in (None, device.clock):
        raise UsageError("the device goes by another clock", hint="ScriptedDevice(clock), with the same clock")
    clock = device.clock
    with tempfile.TemporaryDirectory(prefix="bgo-test-") as folder:
        place = Path(folder if home is None else home).absolute()
        with _environment(place, config), _swapped(flow, settings(place, config), clock, device):
            yield Isolation(flow, clock, device, place)


def device_of(flow: TaskFlow) -> ScriptedDevice:
    """Return the device of an isolated flow. Raises RefusedError for a flow that stands on the user's own ground."""
    found = _DEVICES.get(flow)
    if found is None:
        raise RefusedError(
            "this flow is not isolated",
            why=f"a test would run what stands in {flow.settings.store_path}",
            hint="use the fixture bgo_flow, bgo_isolate(flow), or 'with bgo.testing.isolated(flow):'",
        )
    return found


def settings(home: Path, config: str | Path | None = None) -> Settings:
    """Return settings below a directory that nothing of the user's environment has a say in."""
    found = load(Flags(), env=_variables(home, config))
    return replace(
        found,
        synchronous="normal",  # nobody needs the store of a test after a power cut
        slots=found.slots if "slots" in found.origins else SLOTS,
    )


@contextmanager
def _environment(home: Path, config: str | Path | None) -> Iterator[None]:
    """Leave no BGO_* variable but those of the test: children, and flows that are made meanwhile, see them too."""
    before = {name: value for name, value in os.environ.items() if name.startswith("BGO_")}
    try:
        _replace_environment(_variables(home, config))
        yield
    finally:
        _replace_environment(before)


def _variables(home: Path, config: str | Path | None) -> dict[str, str]:
    return {"BGO_HOME": str(home)} | ({} if config is None else {"BGO_CONFIG": str(config)})


def _replace_environment(wanted: dict[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith("BGO_")]:
        del os.environ[name]
    os.environ.update(wanted)


@contextmanager
def _swapped(flow: TaskFlow, own: Settings, clock: ManualClock, device: ScriptedDevice) -> Iterator[None]:
    def ground(said: Facts | DeviceState | None = None, *, asks: bool = True) -> Ground:
        del asks  # a scripted device costs nothing
        return motor.ground(flow, over(facts_of(said).state, device.state))

    inside = {
        "settings": own, "clock": clock, "_open": None, "_remembered": frozenset(), "_ground": ground,
    }  # fmt: skip
    before = {name: value for name, value in vars(flow).items() if name in inside}
    device_before = _DEVICES.get(flow)
    vars(flow).update(inside)
    motor.forget(flow)
    _DEVICES[flow] = device
    try:
        yield
    finally:
        flow.close()
        motor.forget(flow)
        vars(flow).update(before)
        if "_ground" not in before:
            del vars(flow)["_ground"]
        if device_before is None:
            del _DEVICES[flow]
        else:
            _DEVICES[flow] = device_before
