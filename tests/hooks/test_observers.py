"""Who hears what: found without calling anything, kept in the catalogue, called with what it names."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

import bgo
from bgo.hooks import catalogue, flows
from bgo.hooks.manager import load_plugins
from bgo.hooks.observers import Hook
from bgo.hooks.settings import PluginSettings
from bgo.hooks.snapshot import extras_of
from bgo.hooks.specs import HookSpecs
from bgo.model.entry import Entry, entry_from, entry_json
from bgo.model.handler import Source
from bgo.model.hooks import HOOKS
from bgo.model.outcome import TaskError

LISTENS = """
import bgo
@bgo.hookimpl
def bgo_task_failed(entry): raise SystemExit("called")
@bgo.hookimpl(specname="bgo_task_failed")
def another(entry): raise SystemExit("called")
@bgo.hookimpl
def bgo_chain_finished(status): raise SystemExit("called")
"""
AROUND = """
import bgo
@bgo.hookimpl
def bgo_middleware(use): use(bgo.TaskMiddleware(), order=3)
"""


def settings(folder: Path, **files: str) -> PluginSettings:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return PluginSettings(tuple(str(folder / f"{name}.py") for name in files), allow=())


def test_the_catalogue_keeps_who_listens_and_who_stands_around(tmp_path: Path) -> None:
    wanted = settings(tmp_path, zed=AROUND, listens=LISTENS, around=AROUND, plain="")
    for _ in range(2):  # built, then read
        extras = extras_of(catalogue.load(wanted, tmp_path / "cache"))
        assert [Path(source.target).stem for source in extras.middleware] == ["around", "zed"]
        (who,) = extras.observers
        assert (Path(who.name).stem, who.hooks) == ("listens", {"task_failed": 2, "chain_finished": 1})


def test_what_a_plugin_brings_is_reported(tmp_path: Path, fresh_modules: None) -> None:
    loaded = load_plugins(settings(tmp_path, one=AROUND + LISTENS))
    report = loaded.reports[-1]
    assert report.brings == ("middleware", "on task_failed", "on chain_finished")
    assert report.error == ""


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("@bgo.hookimpl\ndef bgo_middleware(use): use(bgo.TaskMiddleware)\n", "is a class, not a middleware"),
        ("@bgo.hookimpl\ndef bgo_middleware(use): raise LookupError('no key')\n", "no key"),
        ("@bgo.hookimpl\ndef bgo_task_failed(entry, nonsense): ...\n", "nonsense"),
    ],
)
def test_a_plugin_that_brings_something_else_is_told_so(
    tmp_path: Path, fresh_modules: None, text: str, error: str
) -> None:
    loaded = load_plugins(settings(tmp_path, one="import bgo\n" + text))
    assert error in loaded.reports[-1].error
    assert len(loaded.middleware) == ("middleware" in text)


def test_a_misspelt_hook_is_a_warning(tmp_path: Path, fresh_modules: None) -> None:
    loaded = load_plugins(settings(tmp_path, one="import bgo\n@bgo.hookimpl\ndef bgo_task_faild(entry): ...\n"))
    assert "did you mean 'bgo_task_failed'?" in loaded.reports[-1].warnings[0]


def test_middleware_of_a_plugin_that_breaks_later_stays_in_the_catalogue(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    wanted = settings(tmp_path, auth=AROUND)
    before = extras_of(catalogue.load(wanted, cache)).middleware
    settings(tmp_path, auth="raise ImportError('gone')\n")
    assert extras_of(catalogue.load(wanted, cache)).middleware == before
    settings(tmp_path, auth="import bgo\n")
    assert extras_of(catalogue.load(wanted, cache)).middleware == ()


@pytest.mark.parametrize(
    ("fn", "by_name", "given", "answer"),
    [
        (lambda entry: entry, False, {"entry": 1}, 1),
        (lambda chain, status: (chain, status), False, {"chain_id": 1, "status": 2}, (1, 2)),
        (lambda status: status, True, {"chain_id": 1, "status": 2}, 2),
        (lambda: "nothing", True, {"entry": 1}, "nothing"),
    ],
)
def test_a_plugin_names_what_it_wants_and_a_flow_takes_all(
    fn: Callable[..., object], by_name: bool, given: dict[str, object], answer: object
) -> None:
    assert Hook(fn, by_name)(given) == answer


def test_a_flow_remembers_what_it_has_beside_handlers(tmp_path: Path) -> None:
    program = tmp_path / "app.py"
    program.write_text("")
    source = Source("flow", "__main__:flow", str(program))
    beside = flows.Beside(source, 2, {"task_failed": 1}, "/store.db", str(program))
    catalogue.remember_flow((), tmp_path / "cache", beside)
    (who,) = flows.observers(tmp_path / "cache")
    assert (who.source, who.hooks, who.store) == (source, {"task_failed": 1}, "/store.db")
    assert who.as_of is not None
    assert flows.is_as_of(who.as_of)
    program.write_text("changed\n")
    assert not flows.is_as_of(who.as_of)
    program.unlink()
    assert list(flows.observers(tmp_path / "cache")) == []


def test_an_entry_travels() -> None:
    entry = Entry(
        "0abc", "work", 7, "exhaust", 2, 1, "failed", "error", 5, 3, 4, 1, TaskError("E", "m", "t", ("E", "Exception")),
        "w1", {"slots": 3}, {"x": 1}, "handler", "default", ("a", "b"),
    )  # fmt: skip
    assert entry_from(entry_json(entry)) == entry
    assert (entry.id, entry.task_name, entry.status, str(entry.error)) == ("0abc", "work", "failed", "E: m")


def test_every_hook_is_specified_and_says_when_where_and_what_if_it_raises() -> None:
    specs = {name: fn for name, fn in vars(HookSpecs).items() if name.startswith("bgo_")}
    assert {f"bgo_{hook}" for hook in HOOKS} == set(specs) - {"bgo_register_handlers", "bgo_middleware", "bgo_profiles"}
    for hook, given in HOOKS.items():
        assert tuple(inspect.signature(specs[f"bgo_{hook}"]).parameters)[1:] == given
    for fn in specs.values():
        said = fn.__doc__.lower()
        assert all(word in said for word in ("when", "where", "if it raises")), fn.__name__


@pytest.mark.parametrize("fn", [3, "name", None])
def test_what_cannot_be_called_is_no_hook(fn: object) -> None:
    with pytest.raises(bgo.BgoError, match="not a hook"):
        bgo.TaskFlow().on_task_failed(fn)  # type: ignore[type-var]
