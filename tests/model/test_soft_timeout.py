"""`on_soft_timeout`: kept by a name that another process can import, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bgo
from bgo import TaskTimeout
from bgo.errors import UsageError
from bgo.model import wish
from bgo.model.task import Wish


def warn(execution_id: str) -> None: ...


class Alerts:
    @staticmethod
    def warn(execution_id: str) -> None: ...
    def bound(self, execution_id: str) -> None: ...


ROOT = str(Path(__file__).parents[2])


def module_of(fn: Callable[..., Any], name: str, file: str) -> Callable[..., Any]:
    scope: dict[str, Any] = {"__name__": name, "__file__": file}
    exec("def warn(execution_id): ...", scope)
    found: Callable[..., Any] = scope["warn"]
    return found


@pytest.mark.parametrize(
    ("module", "file", "kept"),
    [
        ("__main__", "/home/me/app.py", "__main__:warn@/home/me/app.py"),
        ("app", "/home/me/app.py", "app:warn@/home/me"),
        ("shop.tasks.slow", "/home/me/shop/tasks/slow.py", "shop.tasks.slow:warn@/home/me"),
        ("shop.tasks", "/home/me/shop/tasks/__init__.py", "shop.tasks:warn@/home/me"),
        ("app", "/app.py", "app:warn@/"),
    ],
)
def test_a_function_is_kept_by_name_and_place(module: str, file: str, kept: str) -> None:
    timeout = TaskTimeout(soft=1, hard=2, on_soft_timeout=module_of(warn, module, file))
    assert timeout.on_soft_timeout == kept
    assert wish.load(wish.dump(Wish(timeout))).timeout == timeout


def test_a_name_is_kept_as_it_is() -> None:
    assert TaskTimeout(soft=1, on_soft_timeout="myapp.alerts:Alerts.warn").on_soft_timeout == "myapp.alerts:Alerts.warn"
    assert (
        (TaskTimeout(soft=1, on_soft_timeout=Alerts.warn).on_soft_timeout or "").split("@")[0].endswith(":Alerts.warn")
    )


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (lambda execution_id: None, "a lambda has no name"),
        (Alerts().bound, "is bound to an object"),
        (3, "a int has no importable name"),
        ("no colon", "it is written module:function"),
        ("a:b c", "it is written module:function"),
        (module_of(warn, "__main__", ""), "has no file"),
    ],
)
def test_what_no_other_process_could_import_is_refused(given: Any, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        TaskTimeout(soft=1, on_soft_timeout=given)
    assert part in caught.value.message + caught.value.why
    assert caught.value.hint


def test_a_closure_is_refused_and_so_is_one_without_a_soft_limit() -> None:
    def closure(execution_id: str) -> None: ...

    with pytest.raises(UsageError, match="made inside a function"):
        TaskTimeout(soft=1, on_soft_timeout=closure)
    with pytest.raises(UsageError, match="without a soft timeout"):
        TaskTimeout(hard=1, on_soft_timeout=warn)


def test_it_is_not_refused_at_enqueue(tmp_path: Path) -> None:
    flow = bgo.TaskFlow(store=tmp_path / "bgo.db")
    spec = flow.spec_of(flow._request("echo", {}, {"timeout": TaskTimeout(1, 2, "module:warn")}))
    assert spec.wish.timeout.on_soft_timeout == "module:warn"
