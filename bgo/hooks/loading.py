"""Importing foreign code: a module, a local file, a program's own script. Whatever it does, it ends as one error.

A file gets a module name of ours and the working directory is never put on the path. Only a TaskFlow, which lives in
the user's own program, brings its directory along, as running that program would.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bgo.errors import BgoError, ConfigError
from bgo.model.handler import SCRIPT

LOCAL = "bgo_local"
_WATCH_LIMIT = 200


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Turn whatever foreign code raises, SystemExit too, into a ConfigError that names `what`; Ctrl-C passes."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ConfigError(f"{what} did not load", why=reason(error), hint="see 'bgo plugins list'") from error


def reason(error: BaseException) -> str:
    """Return an exception in one line, as the last line of its traceback says it."""
    if isinstance(error, BgoError):
        return f"{error.message} ({error.why})" if error.why else error.message
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code!r}) while it was imported"
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:500] if text else type(error).__name__


def load_target(target: str) -> Any:
    """Return the module `a.b`, or the object `a.b:c.d`."""
    module, _, path = target.partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split(".") if path else ():
        found = getattr(found, name)
    return found


def load_file(path: str) -> types.ModuleType:
    """Return a local plugin file as the module `bgo_local.<stem>`."""
    stem = Path(path).stem
    name = f"{LOCAL}.{stem}"
    held = sys.modules.get(name)
    if held is not None and getattr(held, "__file__", None) != path:
        name = f"{name}_{zlib.crc32(path.encode()):08x}"  # another file of the same name came first
    if LOCAL not in sys.modules:
        package = types.ModuleType(LOCAL, "Local plugin files.")
        package.__path__ = []
        sys.modules[LOCAL] = package
    return _load_as(name, path)


def load_flow_module(module: str, path: str) -> types.ModuleType:
    """Return the module in which a TaskFlow lives, with its program's directory on the path.

    `path` is that directory, or the script's file when the program was run as `__main__`; the script is then imported
    under another name, so that its `if __name__ == "__main__"` does not run.
    """
    if module == "__main__":
        _put_first(os.path.dirname(path))
        held = sys.modules.get(SCRIPT)
        if held is not None and held.__file__ != path:
            raise _elsewhere(SCRIPT, held, path)
        return _load_as(SCRIPT, path)
    _put_first(path)
    found = importlib.import_module(module)
    file = getattr(found, "__file__", None)
    if path and (file is None or not os.path.realpath(file).startswith(os.path.join(os.path.realpath(path), ""))):
        raise _elsewhere(module, found, path)
    return found


def _elsewhere(module: str, held: types.ModuleType, path: str) -> ConfigError:
    return ConfigError(
        f"the module {module} of {path} cannot be loaded here",
        why=f"this process already holds one of that name, from {getattr(held, '__file__', None) or 'elsewhere'}",
        hint="rename one of the two modules",
    )


def _put_first(folder: str) -> None:
    if folder and folder not in sys.path:
        sys.path.insert(0, folder)


class _PlainLoader(importlib.machinery.SourceFileLoader):
    """Compiles the file as it stands: no `__pycache__` beside a user's file, none trusted within its second."""

    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _load_as(name: str, path: str) -> types.ModuleType:
    held = sys.modules.get(name)
    if held is not None:
        return held
    if not os.path.isfile(path):
        raise ConfigError(f"no such plugin file: {path}", why="it is not there", hint="check --plugin and BGO_PLUGINS")
    spec = importlib.util.spec_from_file_location(name, path, loader=_PlainLoader(name, path))
    if spec is None or spec.loader is None:
        raise ConfigError(f"not a Python file: {path}", hint="give a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


class Watch:
    """The source files that came in while a plugin was loading: when one of them changes, what we hold is stale."""

    def __init__(self) -> None:
        self._before = set(sys.modules)

    def files(self) -> list[str]:
        """Return the files of the modules loaded since then, leaving out what is installed or Python's own."""
        found = []
        for name in sys.modules.keys() - self._before:
            file = getattr(sys.modules[name], "__file__", None)
            if isinstance(file, str) and _is_local(file):
                found.append(file)
        return sorted(found)[:_WATCH_LIMIT]


_STDLIB = os.path.join(os.path.dirname(os.__file__), "")
_OURS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")


def _is_local(file: str) -> bool:
    return f"{os.sep}site-packages{os.sep}" not in file and not file.startswith((_STDLIB, _OURS))
