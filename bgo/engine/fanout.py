"""Fan-out: a list that an earlier step has put out becomes the members of a batch, some hundred a transaction."""

from __future__ import annotations

from bgo.engine import inputs, members
from bgo.engine.wave import Wave
from bgo.model import payload as payloads
from bgo.model.flow import INPUT
from bgo.model.task import Task
from bgo.policy import chain as policy
from bgo.store.rows import FlowRow


def expand(wave: Wave, node: Task, flow: FlowRow) -> str:
    """Make members of the next items; return why it cannot be done, '' when it could."""
    session, plan = wave.session, inputs.batch_plan(wave.session, flow)
    chain = None if node.parent is None else session.tasks.find_seq(node.parent)
    if plan.over is None or chain is None:
        raise AssertionError(f"batch {node.id} has nothing to fan out over")
    over, cursor = plan.over, flow.cursor or 0
    source = (
        inputs.input_of(session, chain) if over.member == INPUT else inputs.output_named(session, chain, over.member)
    )
    items, why = policy.items_at(over, source)
    if items is None:
        return why
    each = members.rows_of(plan)
    page = items[cursor : cursor + max(1, wave.room // each)]
    wave.take(len(page) * each)
    made = [payloads.dump(policy.item_input(item, plan.field_), "an item") for item in page]
    members.add_items(session, node, plan, made, wave.now, first=cursor)
    session.flows.count(node.seq, "total", len(page))
    is_done = cursor + len(page) >= len(items)
    session.flows.set(node.seq, "cursor", None if is_done else cursor + len(page))
    if is_done:
        session.flows.set(node.seq, "open", 0)
    return ""
