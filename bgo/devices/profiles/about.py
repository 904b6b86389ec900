"""What each table and key of a profile is about: the words that stand beside them in the model."""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache

from bgo.model import profile as model


@cache
def _written() -> dict[tuple[str, str], str]:
    """Return the texts of the model by class and field (the class itself: ''); none where its source is not there."""
    try:
        tree = ast.parse(inspect.getsource(model))
    except (OSError, TypeError):
        return {}
    found: dict[tuple[str, str], str] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found[node.name, ""] = _plain(ast.get_docstring(node) or "")
            for field, text in zip(node.body, node.body[1:], strict=False):
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and (it := _text(text)):
                    found[node.name, field.target.id] = it
    return found


def _text(node: ast.stmt) -> str:
    value = node.value if isinstance(node, ast.Expr) else None
    return _plain(value.value) if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def _plain(text: str) -> str:
    """Return a text on one line, `none` spelled as profiles spell it."""
    return re.sub(r"\bNone\b", "none", " ".join(text.split()))


def about(owner: type, attr: str = "") -> str:
    """Return what a field, or the table of a type, is about; '' where nothing is written."""
    return _written().get((owner.__name__, attr), "")
