"""The commands as plain facts, read from the Typer tree: what the man pages, the scripts and the tests share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, get_args, get_origin

import typer
from typer.core import TyperGroup
from typer.main import get_command

from bgo.cli import app


@dataclass(frozen=True, slots=True)
class Param:
    """An argument or an option. `flags` is empty for an argument."""

    name: str
    flags: tuple[str, ...]
    metavar: str
    help: str
    panel: str
    choices: tuple[str, ...]
    default: str
    takes_value: bool
    repeats: bool
    required: bool

    @property
    def is_option(self) -> bool:
        return bool(self.flags)


@dataclass(frozen=True, slots=True)
class Command:
    """A command, or a group with its verbs."""

    path: tuple[str, ...]
    summary: str
    text: str
    params: tuple[Param, ...]
    verbs: tuple[Command, ...]
    default_verb: str
    aliases: tuple[str, ...]
    takes_argv: bool
    panel: str

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def title(self) -> str:
        return " ".join(self.path)

    @property
    def arguments(self) -> list[Param]:
        return [p for p in self.params if not p.is_option]

    @property
    def options(self) -> list[Param]:
        return [p for p in self.params if p.is_option]

    def walk(self) -> Iterator[Command]:
        """Yield this command and all below it."""
        yield self
        for verb in self.verbs:
            yield from verb.walk()


def root() -> Command:
    """Return `bgo` with every visible command loaded."""
    command: Any = get_command(app.app)
    command.load_all()
    return _command(command, ("bgo",), None)


def _command(command: Any, path: tuple[str, ...], parent: Any) -> Command:
    context = typer.Context(command, info_name=path[-1], parent=parent, **command.context_settings)
    names = command.list_commands(context) if isinstance(command, TyperGroup) else []
    found = {name: command.get_command(context, name) for name in names}
    return Command(
        path=path,
        summary=plain(command.short_help or command.help).splitlines()[0],
        text=plain(command.help),
        params=tuple(_param(p, context) for p in command.get_params(context) if not getattr(p, "hidden", False)),
        verbs=tuple(_command(c, (*path, name), context) for name, c in found.items() if not c.hidden),
        default_verb=getattr(command, "default_verb", None) or "",
        aliases=tuple(a for a, name in app.ALIASES.items() if path == ("bgo", name)),
        takes_argv=getattr(command, "keeps_argv", False),
        panel=command.rich_help_panel or "",
    )


def _param(param: Any, context: typer.Context) -> Param:
    is_option = param.param_type_name == "option"
    bare = is_option and (param.is_flag or param.count)
    choices = () if bare else _choices(param.type_descriptor.annotation)
    return Param(
        name=param.name,
        flags=tuple(sorted((*param.opts, *param.secondary_opts), key=len)) if is_option else (),
        metavar="" if bare else param.metavar or param.name.upper(),
        help=plain(param.help),
        panel=getattr(param, "rich_help_panel", None) or "",
        choices=choices,
        default=_default(param, context) if not bare else "",
        takes_value=not bare,
        repeats=bool(param.nargs == -1 or getattr(param, "multiple", False) or getattr(param, "count", False)),
        required=param.required,
    )


def _choices(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is list:
        (annotation,) = get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(str(member.value) for member in annotation)
    return ()


def _default(param: Any, context: typer.Context) -> str:
    value = param.get_default(context)
    if value is None or value == () or value == [] or param.show_default is False:
        return ""
    return str(getattr(value, "value", value))


def plain(text: str | None) -> str:
    """Return help without Rich's markup, its paragraphs kept."""
    return re.sub(r"\\(\[)|\[/?(?:bold|italic|dim|cyan|green|yellow|red)\]", r"\1", (text or "").strip())
