"""`echo`: gives its input back. For trying out queues, chains and schedules."""

from __future__ import annotations

from typing import Any

from bgo.hooks.specs import Register, hookimpl


def echo(ctx: Any) -> dict[str, Any]:
    """Return the input as the output, with ARGV as `argv` if there is one, and print `message` or ARGV."""
    output = dict(ctx.input)
    if ctx.argv:
        output["argv"] = list(ctx.argv)
    if "message" in output:
        print(output["message"])
    elif ctx.argv:
        print(*ctx.argv)
    return output


@hookimpl
def bgo_register_handlers(register: Register) -> None:
    """Bring `echo`."""
    register("echo", echo, takes_argv=True)
