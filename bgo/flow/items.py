"""Items of a batch: checked, and made inputs, one at a time; no more of them than one is ever held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bgo.errors import BgoError, UsageError
from bgo.model import payload
from bgo.model.task import INPUT_LIMIT
from bgo.policy.chain import item_input
from bgo.policy.schema import check_input, from_words

if TYPE_CHECKING:
    from bgo.model.handler import HandlerInfo

ITEM = "item"


class Word(str):
    """An item that is a line of text: a number where its field takes numbers, as a word on the command line is."""

    __slots__ = ()


def field_of(info: HandlerInfo | None) -> str:
    """Return under which key an item that is no object becomes an input: `item`, or the one field that the handler
    needs, if it needs one and knows no `item`."""
    if info is None or info.params is None or any(param.name == ITEM for param in info.params):
        return ITEM
    needed = [param.name for param in info.params if param.required]
    return needed[0] if len(needed) == 1 else ITEM


def as_items(
    items: Iterable[Any], field: str, info: HandlerInfo | None, beneath: Mapping[str, Any] | None = None
) -> Iterator[bytes]:
    """Yield items as canonical JSON of objects. Raises UsageError for one that does not fit, with its number.

    `beneath` is what lies under each of them; None: that is not known yet.
    """
    base, is_part = dict(beneath or {}), beneath is None
    for number, item in enumerate(items, start=1):
        try:
            is_word = isinstance(item, Word)
            data = from_words(info, [(field, str(item))]) if is_word else item_input(item, field)
            if info is not None:
                check_input(info, {**base, **data}, is_part=is_part)
            yield payload.dump_object(data, "the item", INPUT_LIMIT)
        except BgoError as error:
            raise UsageError(f"item {number}: {error.message}", why=error.why, hint=error.hint) from None
