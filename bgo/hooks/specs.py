"""The hooks: what bgo asks of its plugins. Project name `bgo`, entry-point group `bgo`, prefix `bgo_`.

A plugin is a module (or an object) that marks functions of these names with `hookimpl`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Unpack

import pluggy  # noqa: TID253 - this module is loaded where plugins are, never by a hot command

from bgo.hooks.defaults import HandlerOptions

PROJECT = "bgo"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Register(Protocol):
    """What `bgo_register_handlers` is given: call it once for each handler."""

    def __call__(self, name: str, fn: Callable[..., Any], /, **options: Unpack[HandlerOptions]) -> None:
        """Bring `fn` under `name`; options as for `@task`."""


class HookSpecs:
    """The specifications that plugins are checked against."""

    @hookspec
    def bgo_register_handlers(self, register: Register) -> None:
        """Bring handlers: call `register(name, fn, timeout=…, retry=…, …)` for each.

        When: once, as the catalogue is built, and again in each child process that runs one of these handlers.
        Where: never in the worker or in `bgo enqueue` themselves. Return: nothing. If it raises, none of this plugin's
        handlers are loaded, the reason is shown by `bgo plugins list`, and no other plugin is touched.
        """
