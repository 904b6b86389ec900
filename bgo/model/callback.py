"""Functions that another process is to call: kept by the name under which it can import them."""

from __future__ import annotations

from bgo.errors import UsageError


def name_of(given: object) -> str:
    """Return the name under which a process that imports can find a function, with the place it comes from."""
    if isinstance(given, str):
        module, colon, path = given.partition("@")[0].partition(":")
        if colon and all(part.isidentifier() for part in [*module.split("."), *path.split(".")]):
            return given
        raise UsageError(
            f"on_soft_timeout: not a function's name: {given!r:.80}",
            why="it is written module:function",
            hint="on_soft_timeout='myapp.alerts:warn'",
        )
    home, name = getattr(given, "__module__", None), getattr(given, "__qualname__", None)
    file = getattr(getattr(given, "fn", given), "__globals__", {}).get("__file__") or ""
    if why := _not_importable(given, home, name, file):
        raise UsageError(
            f"cannot use this as on_soft_timeout: {why}",
            why="it runs in another process, which imports it by name",
            hint="move it to the top level of a module as def NAME(execution_id)",
        )
    return f"{home}:{name}" + (f"@{_home(str(home), file)}" if file else "")


def _not_importable(given: object, home: object, name: object, file: str) -> str:
    if not (callable(given) and isinstance(home, str) and isinstance(name, str)):
        return f"a {type(given).__name__} has no importable name"
    if "<lambda>" in name:
        return "a lambda has no name that another process could import"
    if "<locals>" in name:
        return f"{name} is made inside a function; another process cannot import it"
    if getattr(given, "__self__", None) is not None:
        return f"{name} is bound to an object that lives in this process alone"
    if home == "__main__" and not file:
        return "this program has no file that another process could import"
    return ""


def _home(module: str, file: str) -> str:
    """Return the directory that a module's name counts from; for a script, the script."""
    if module == "__main__":
        return file
    parts = file.split("/")
    return "/".join(parts[: -1 - module.count(".") - (parts[-1] == "__init__.py")]) or "/"
