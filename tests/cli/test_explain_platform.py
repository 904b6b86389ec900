"""`bgo explain` under a phone's profile: the platform's gates in order, open ones too, and how long runs may last."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bgo.api import TaskFlow
from bgo.config import Flags, load
from bgo.engine import cycle, platform
from bgo.model.device import DeviceState
from bgo.model.options import NetworkConstraint, TaskConstraints
from tests.build import a_child, a_device, a_moment
from tests.cli.conftest import Bgo
from tests.store import drive

FREE = TaskConstraints(NetworkConstraint.UNMETERED)
AWAKE = "charging=no battery=80 network=unmetered screen=on"
MINUTE = 60_000


@pytest.fixture
def flow(known: None) -> Iterator[TaskFlow]:
    with TaskFlow(settings=load(Flags(profile="android"))) as found:
        yield found


def gates(bgo: Bgo, *words: str) -> dict[str, tuple[bool, str]]:
    """Return gate by gate whether it is open, and what stands there, of the newest task."""
    found = bgo("explain", "@last", *words, "--json").json
    return {gate["gate"]: (gate["open"], gate["current"]) for gate in found["gates"]}


def claim(flow: TaskFlow, now: int, device: DeviceState) -> cycle.Claim:
    """Let a worker under the flow's profile claim the one task that is ready."""
    with flow.store.write() as session:
        view = platform.view(session, flow.profile, device, now)
        found = cycle.tick(
            session, drive.an_asker(), view, cycle.Memory(), [a_child()], lease_until=30_000, moment=a_moment(now)
        )
    (made,) = found.claims
    return made


def test_androids_gates_come_before_the_constraints_and_say_how_they_stand(bgo: Bgo, flow: TaskFlow) -> None:
    flow.enqueue("echo", constraints=FREE)
    found = gates(bgo, "--profile", "android", "--network", "metered")
    assert list(found) == ["due", "paused", "handler", "quota", "doze", "network", "slots"]
    assert found["quota"] == (True, "bucket active: 0 s of 20 min used in 1 h")
    assert found["doze"] == (True, "the phone is awake")
    assert found["network"][0] is False


@pytest.mark.parametrize(
    ("words", "gate", "open_", "current"),
    [
        (["--charging", "yes"], "quota", True, "bucket active, not counted: it charges"),
        (["--signal", "app=foreground"], "quota", True, "not counted: the app is to be seen"),
        (["--signal", "bucket=rare"], "quota", True, "bucket rare: 0 s of 10 min used in 24 h"),
        (["--signal", "bucket=never"], "quota", False, "bucket never"),
        (["--screen", "off", "--since", "0s"], "doze", True, "the screen is off, and Doze begins in 4 min"),
        (["--screen", "off", "--since", "70m"], "doze", False, "deep Doze, an idle period of 1 h"),
        (["--signal", "exempt=yes", "--screen", "off", "--since", "70m"], "doze", True, "the app is exempt from Doze"),
    ],
)
def test_quota_and_doze_as_they_stand(
    bgo: Bgo, flow: TaskFlow, words: list[str], gate: str, open_: bool, current: str
) -> None:
    flow.enqueue("echo")
    assert gates(bgo, "--profile", "android", *words)[gate] == (open_, current)


def test_a_hold_of_doze_says_when_it_lifts(bgo: Bgo, flow: TaskFlow) -> None:
    flow.enqueue("echo")
    found = bgo("explain", "@last", "--profile", "android", "--screen", "off", "--since", "70m", "--json").json
    (held,) = [gate for gate in found["gates"] if not gate["open"]]
    assert (found["verdict"], held["holder"], held["until"] is None) == ("held by doze", "Android's Doze", False)
    assert held["lift"].endswith("bgo run --screen on")


def test_what_ios_holds_beside_its_opportunities_is_told_too(bgo: Bgo, flow: TaskFlow) -> None:
    flow.enqueue("echo", constraints=TaskConstraints(NetworkConstraint.UNMETERED, battery_not_low=True))
    found = bgo("explain", "@last", "--profile", "ios", "--battery", "10", "--charging", "no", "--json").json
    lines = [(gate["gate"], gate["open"]) for gate in found["gates"]][3:]
    assert lines == [
        ("low_power", False), ("opportunity", False), ("network", True), ("battery", True), ("slots", True),
    ]  # fmt: skip
    assert found["gates"][6]["current"].startswith("ios knows no such condition: the handler must look")
    assert [(change["what"], change["given"]) for change in found["changes"]] == [
        ("network", "connected"), ("battery-not-low", "nothing"),
    ]  # fmt: skip
    front = gates(bgo, "--profile", "ios", "--signal", "app=foreground")
    assert front["opportunity"] == (True, "the app is in the foreground")


def test_here_no_platform_has_a_say(bgo: Bgo, flow: TaskFlow) -> None:
    flow.enqueue("echo", constraints=FREE)
    assert list(gates(bgo, "--network", "unmetered")) == ["due", "paused", "handler", "network", "slots"]


def test_how_long_a_run_may_go_on_is_told_and_when_it_is_stopped(bgo: Bgo, flow: TaskFlow) -> None:
    task_id, now = flow.enqueue("echo"), flow.clock.now_ms()
    claim(flow, now, a_device(AWAKE))
    (line,) = flow.explain(task_id, a_device(AWAKE)).gates
    assert (line.gate, line.is_open) == ("run_time", True)
    assert line.current.startswith("it may go on until ")
    assert line.current.endswith(": ran for 10 min")
    saving = flow.explain(task_id, a_device(f"{AWAKE} low_power=on app=background"))
    (line, *_) = saving.gates
    assert (line.gate, line.is_open, line.hold is None) == ("low_power", False, False)
    assert saving.verdict.startswith("running; android stops it: ")
    assert bgo("explain", task_id, "--json").json["gates"] == [], "this computer stops nothing"
    assert bgo("explain", task_id, "--profile", "samsung", "--json").json["gates"] == [], "that worker is another's"


def test_a_task_that_has_ended_tells_what_its_platform_held_it_for(bgo: Bgo, flow: TaskFlow) -> None:
    task_id, now = flow.enqueue("echo"), flow.clock.now_ms()
    with flow.store.write() as session:
        ((view, _),) = session.lanes.views()
        session.lanes.log_view(view, "doze", now)
        session.lanes.log_view(view, None, now + 5 * MINUTE)
    drive.finish(flow.store, claim(flow, now + 5 * MINUTE, a_device(AWAKE)), now=now + 6 * MINUTE)
    found = bgo("explain", task_id, "--json").json
    told = {gate["gate"]: (gate["open"], gate["held_ms"]) for gate in found["gates"]}
    assert list(told) == ["due", "doze", "slots"]
    assert told["doze"][0] is True
    assert abs(told["doze"][1] - 5 * MINUTE) < 1_000


@pytest.mark.parametrize("command", ["run", "explain", "simulate", "check"])
def test_help_tells_of_the_profile_where_it_matters(bgo: Bgo, command: str) -> None:
    assert bgo(command, "--help").text.count("--profile") >= 2, "as an option, and in the text"


def test_a_profile_may_stand_behind_its_command(bgo: Bgo) -> None:
    bgo("enqueue", "echo")
    assert bgo("explain", "@last", "--profile", "android", "--json").json["profile"] == "android"
    assert bgo("--profile", "android", "explain", "@last", "--json").json["profile"] == "android"
