"""Chain: a chain comes in as one row for itself and one for each member, all in one transaction."""

from __future__ import annotations

from collections.abc import Iterable

from bgo.engine import members, upstream
from bgo.engine.enqueue import Under, insert
from bgo.engine.ties import admit
from bgo.engine.wave import Wave
from bgo.model.flow import ChainSpec
from bgo.model.state import State
from bgo.model.task import Enqueued
from bgo.store.port import Session


def enqueue(session: Session, chain: ChainSpec, now: int) -> Enqueued:
    """Insert a chain, unless another stands in for it (dedup, unique); its first step may start at once.

    Raises NotFoundError for an unknown upstream.
    """
    seqs: list[int] = []

    def come_in(state: State) -> int:
        seqs.append(insert_chain(session, chain, now, begins=state is State.QUEUED))
        return seqs[0]

    if chain.spec.is_plain:
        come_in(State.QUEUED)
        made = Enqueued(chain.spec.id, State.QUEUED)
    else:
        made = admit(session, chain.spec, now, come_in)
    set_going(session, seqs, now)
    return made


def insert_chain(session: Session, chain: ChainSpec, now: int, *, begins: bool, stage: str | None = None) -> int:
    """Insert a chain with all its members as it is, whatever else there is; return its seq."""
    state = State.RUNNING if begins else State.BLOCKED
    seq = insert(session, (chain.spec,), now, Under("chain", state, stage=stage))
    session.flows.insert(seq, members.chain_plan_of(session, chain), at=0, is_open=False)
    session.flows.count(seq, "total", len(chain.members))
    members.add_members(session, chain.members, ((seq,), (chain.spec.id,)), now, (begins, stage))
    return seq


def set_going(session: Session, seqs: Iterable[int], now: int) -> None:
    """Let chains and batches do what is due at once: begin with a batch, end for want of items, or have ended."""
    upstream.run(Wave(session, now, flows=dict.fromkeys(seqs)))
