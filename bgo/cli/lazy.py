"""Commands that load when they are called, and parameters that need no pydantic.

The root group knows each command by a row of a table (name, place, one line of help); the module behind the row is
imported only when that command runs or shows its own help. Typer 0.29 converts every parameter through pydantic, which
costs 60 ms; `cheapen` gives the plain types a converter of their own. It sets one private attribute of Typer's: where
that attribute is missing, Typer's own conversion works as before, only slower.
"""

from __future__ import annotations

import importlib
import types
from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from bgo.errors import UsageError

HELP_NAMES = ("-h", "--help")
ARGV = "bgo.argv"
"""Key in `ctx.meta`: the words after `--` of a command whose row says `argv=True`."""

WORDS = "bgo.words"
"""Key in `ctx.meta`: all words of a command as they were typed."""


class Row(NamedTuple):
    """One command of the table: where it lives (`module:function` or `module:typer_app`) and its line of help."""

    target: str
    summary: str
    panel: str = "Tasks"
    hidden: bool = False
    argv: bool = False
    """Words after `--` are not for us: they are kept whole, and read with `argv_of(ctx)`."""


def _boolean(text: Any) -> bool:
    if isinstance(text, bool):
        return text
    word = str(text).strip().lower()
    if word in {"1", "true", "t", "yes", "y", "on"}:
        return True
    if word in {"0", "false", "f", "no", "n", "off"}:
        return False
    raise ValueError("say yes or no")


def _ranged(kind: type[int] | type[float], low: float | None, high: float | None) -> Callable[[Any], Any]:
    def convert(text: Any) -> Any:
        try:
            value = kind(text)
            if value != value:
                raise ValueError
        except (ValueError, OverflowError):
            raise ValueError(f"{text!r} is not {'a whole number' if kind is int else 'a number'}") from None
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError(f"{text} is not {_span(low, high)}")
        return value

    return convert


def _span(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"from {low} to {high}"
    return f"{low} or more" if low is not None else f"{high} or less"


def _choice(kind: type[Enum]) -> Callable[[Any], Any]:
    def convert(text: Any) -> Any:
        if isinstance(text, kind):
            return text
        for member in kind:
            if str(member.value) == str(text):
                return member
        raise ValueError(f"{text!r} is not one of {', '.join(str(m.value) for m in kind)}")

    return convert


def _converter(annotation: Any, info: Any) -> Callable[[Any], Any] | None:
    """Return a converter for the types bgo uses, or None to leave the parameter to Typer."""
    if get_origin(annotation) is list and len(args := get_args(annotation)) == 1:
        one = _converter(args[0], info)
        return None if one is None else lambda values: [one(v) for v in values]
    if getattr(info, "parser", None) is not None:
        own: Callable[[Any], Any] = info.parser
        return lambda value: own(value) if isinstance(value, str) else value
    if annotation is str:
        return str
    if annotation is bool:
        return _boolean
    if annotation is int or annotation is float:
        return _ranged(annotation, info.min, info.max)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice(annotation)
    return None


class _Cheap:
    """What Typer asks of a parameter's runtime converter, without pydantic."""

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        self._convert = convert

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        try:
            return self._convert(value)
        except UsageError as error:
            option = param.opts[-1] if param.opts and param.opts[-1].startswith("-") else param.metavar or param.name
            raise type(error)(f"{option}: {error.message}", why=error.why, hint=error.hint) from None
        except (ValueError, TypeError) as error:
            raise typer.BadParameter(str(error), ctx=ctx, param=param) from None


def cheapen(params: list[Any]) -> list[Any]:
    """Give each parameter that still has no converter a cheap one; return the same list."""
    for param in params:
        if param.name == "help":
            param.metavar = ""  # a flag needs no "<bool>"
        elif param.param_type_name == "argument" and param.metavar:
            param.display_type_rich = lambda ctx: ""  # nor an argument with a name of its own its "<list[str]>"
        if getattr(param, "_runtime_param", 0) is None:
            descriptor = param.type_descriptor
            convert = _converter(descriptor.annotation, descriptor.parameter_info)
            if convert is not None:
                param._runtime_param = _Cheap(convert)
    return params


def _help_if_bare(command: Any, ctx: Any, args: list[str]) -> None:
    if not args and command.no_args_is_help and not ctx.resilient_parsing:
        typer.echo(ctx.get_help())
        ctx.exit(2)


BARE = {"--expedited": "--expedited=run"}
"""Options whose value may be left out, which Typer has no way to say."""


class BgoCommand(TyperCommand):
    """One command."""

    keeps_argv = False

    def get_params(self, ctx: Any) -> list[Any]:
        return cheapen(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _help_if_bare(self, ctx, args)
        ctx.meta[WORDS] = list(args)
        if self.keeps_argv and "--" in args:
            at = args.index("--")
            ctx.meta[ARGV] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, [BARE.get(word, word) for word in args])


class BgoGroup(TyperGroup):
    """A noun with verbs: `bgo store check`. Without a verb it does `default_verb`, if it has one."""

    default_verb: str | None = None

    def get_params(self, ctx: Any) -> list[Any]:
        return cheapen(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if self.default_verb and (not args or (args[0].startswith("-") and args[0] not in HELP_NAMES)):
            args = [self.default_verb, *args]
        _help_if_bare(self, ctx, args)
        return super().parse_args(ctx, args)


class _Stub(BgoCommand):
    """Stands in the table until the command is called."""

    row: Row

    def load(self) -> Any:
        return load(str(self.name), self.row)


class LazyGroup(BgoGroup):
    """The root: its commands are rows until they are called. Subclasses set `table` and `aliases`."""

    table: dict[str, Row] = {}  # noqa: RUF012 - set once by the subclass
    aliases: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        for name, row in self.table.items():
            stub = _Stub(name, help=row.summary, short_help=row.summary, rich_help_panel=row.panel, hidden=row.hidden)
            stub.row = row
            self.commands[name] = stub

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        if args and args[0] in self.aliases:
            args = [self.aliases[args[0]], *args[1:]]
        name, command, rest = super().resolve_command(ctx, args)
        if isinstance(command, _Stub):
            command = self.commands[str(name)] = command.load()
        return name, command, rest

    def load_all(self) -> None:
        """Import every command: for the man pages, the completions and the tests."""
        for name, command in list(self.commands.items()):
            if isinstance(command, _Stub):
                self.commands[name] = command.load()


def load(name: str, row: Row) -> Any:
    """Import the command behind a row and return it as a Typer command or group named `name`."""
    module, _, attribute = row.target.partition(":")
    target: Any = getattr(importlib.import_module(module), attribute)
    if not isinstance(target, typer.Typer):
        single = group(row.summary)
        single.command(name, short_help=row.summary, rich_help_panel=row.panel, hidden=row.hidden)(target)
        target = single
    for info in target.registered_commands:
        info.cls = BgoCommand
    command: Any = get_command(target)
    command.name = name
    command.short_help = row.summary
    command.rich_help_panel = row.panel
    command.hidden = row.hidden
    command.keeps_argv = row.argv
    for one in (command, *getattr(command, "commands", {}).values()):
        one.help = _filled(one.help or "")
    return command


def _filled(text: str) -> str:
    """Return paragraphs as one line each: Rich would keep the line breaks of the source."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def group(summary: str, *, default_verb: str | None = None) -> typer.Typer:
    """Return a group to hang verbs on: `app = group("Look after the store.")`, then `@app.command("check")`."""
    cls = types.new_class("Verbs", (BgoGroup,), exec_body=lambda ns: ns.update(default_verb=default_verb))
    return typer.Typer(
        cls=cls,
        help=summary,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )


def argv_of(ctx: typer.Context) -> list[str] | None:
    """Return the words after `--`, or None when there was no `--`."""
    found: list[str] | None = ctx.meta.get(ARGV)
    return found


def words_of(ctx: typer.Context) -> list[str]:
    """Return the words of this command as they were typed, in their order."""
    found: list[str] = ctx.meta.get(WORDS, [])
    return found
