"""Chains and batches as Mermaid and Graphviz text: deterministic, escaped, coloured by state."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

import bgo
from bgo.flow.drawing import dot, mermaid
from bgo.testing import drain
from tests.flow import kitchen


@pytest.fixture
def flow(bgo_isolate: Callable[[bgo.TaskFlow], bgo.TaskFlow]) -> bgo.TaskFlow:
    """Return the kitchen's flow on a store of its own."""
    return bgo_isolate(kitchen.flow)


@pytest.fixture
def chain_id(flow: bgo.TaskFlow) -> str:
    chain = flow.chain("c").then("scan").then_map("shout", over="scan.files", as_="each")
    chain.then_all(["tell", "fail"], on_failure="sorry").compensation("tell", as_="sorry")
    return chain.then("scan", as_="never").enqueue()


def test_mermaid(flow: bgo.TaskFlow, chain_id: str) -> None:
    before = flow.mermaid(chain_id)
    assert "  s0m0 --> s1m0\n  s1m0 --> s2m0\n  s1m0 --> s2m1\n" in before
    assert '  p0["sorry<br/>if it fails"]:::blockedaside\n' in before
    assert "  s2m1 -. on failure .-> p0\n" in before
    drain(flow)
    text = flow.mermaid(chain_id)
    assert text.startswith(f"flowchart LR\n  %% chain {chain_id}: c\n")
    assert '  s0m0["scan<br/>succeeded"]:::succeeded\n' in text
    assert '  s1m0[["each<br/>succeeded, 2 of 2"]]:::succeeded\n' in text
    assert '  s2m1["fail<br/>failed"]:::failed\n' in text
    assert '  c0["sorry<br/>succeeded"]:::succeededaside\n' in text
    assert "stroke-dasharray" in text
    assert text == flow.mermaid(chain_id)


def test_dot_is_what_graphviz_reads(flow: bgo.TaskFlow, chain_id: str) -> None:
    drain(flow)
    text = flow.dot(chain_id)
    assert '  s1m0 [label="each\\nsucceeded, 2 of 2", style="filled", fillcolor="#abebc6", peripheries=2];\n' in text
    assert '  s2m0 -> c0 [style=dashed, label="on failure"];\n' in text
    if program := shutil.which("dot"):
        done = subprocess.run([program, "-Tsvg"], input=text, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_batch_with_its_callbacks(flow: bgo.TaskFlow) -> None:
    batch = flow.batch("shout", items=["a", "b"], then="tell", finally_="tell")
    assert '  c0["tell<br/>then"]:::blockedaside\n' in flow.mermaid(batch.id)
    drain(flow)
    text = flow.mermaid(batch.id)
    assert '  n0[["shout<br/>succeeded, 2 of 2"]]:::succeeded\n' in text
    assert "  n0 -. then .-> c0\n  n0 -. finally .-> c1\n" in text


@pytest.mark.parametrize("name", ['a"];x-->y', "a]\n%% b", "<script>", "a\\", "`a`", "end", "\x1b[31m", "ä"])
def test_names_are_only_text(flow: bgo.TaskFlow, chain_id: str, name: str) -> None:
    node = flow.graph(chain_id)
    step = node.steps[0]
    member = replace(step.members[0], task=replace(step.members[0].task, name=name))
    node = replace(node, task=replace(node.task, name=name), steps=(replace(step, members=(member,)), *node.steps[1:]))
    usual = flow.mermaid(chain_id)
    text = mermaid(node)
    assert text.count("\n") == usual.count("\n")
    assert all(re.fullmatch(r'  \w+\[?\["[^"\]\[<>`]*(<br/>[^"<>]*)?"\]\]?:::\w+', line)
               for line in text.splitlines() if ":::" in line)  # fmt: skip
    assert "\x1b" not in text
    drawn = dot(node)
    assert drawn.count("\n") == flow.dot(chain_id).count("\n")
    if program := shutil.which("dot"):
        assert subprocess.run([program, "-Tsvg"], input=drawn, capture_output=True, text=True).returncode == 0
