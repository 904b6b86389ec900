"""The seed's batch: a hundred photos as one unit, with then, catch and finally; in a shell and in Python."""

from __future__ import annotations

import json
from typing import Any

from bgo import TaskFlow
from bgo.errors import TaskFailedError
from tests.seed.conftest import Sh

PHOTOS = [f"photo{n}.jpg" for n in range(1, 101)]


def test_a_batch_in_a_shell(sh: Sh, flow: TaskFlow) -> None:
    (batch,) = sh(
        "seq -f photo%g.jpg 1 100 |"
        " bgo batch uploadPhotos --items - --then allUploaded --catch allUploaded --finally allUploaded"
    )
    sh("bgo run --quiet")
    (found,) = sh(f"bgo status {batch} --json")
    assert json.loads(found)["counts"] == {"total": 100, "succeeded": 100, "failed": 0, "cancelled": 0}
    results = [json.loads(line)["output"] for line in sh(f"bgo batches results {batch} --json --limit 1000")]
    assert results == [{"uploaded": photo} for photo in PHOTOS]
    told = [view.output for view in flow.tasks(limit=1000) if view.task.name == "allUploaded"]
    assert told == [{"said": "100 of 100 uploaded"}] * 2, "then and finally; there was nothing to catch"


def test_a_batch_that_fails_in_a_shell(sh: Sh, flow: TaskFlow) -> None:
    (batch,) = sh("printf 'a\\nbroken\\nb\\n' | bgo batch uploadPhotos --items - --then fetchUsers --catch allUploaded")
    sh("bgo run --quiet")
    assert flow.get(batch).counts == {"total": 3, "succeeded": 2, "failed": 1, "cancelled": 0}
    names = [view.task.name for view in flow.tasks(limit=1000)]
    assert (names.count("allUploaded"), names.count("fetchUsers")) == (1, 0)
    (failed,) = sh(f"bgo batches results {batch} --state failed --json")
    assert json.loads(failed)["input"] == {"item": "broken"}


def test_a_batch_in_python(flow: TaskFlow) -> None:
    said: list[Any] = []
    batch = flow.batch("uploadPhotos", items=PHOTOS)
    batch.then(lambda results: said.append(f"All {len(results)} uploaded!"))
    batch.catch(lambda error: said.append(f"Upload failed: {error}"))
    batch.finally_(lambda: said.append("Done"))
    flow.run()
    assert batch.wait()["succeeded"] == 100
    assert said == ["All 100 uploaded!", "Done"]


def test_a_batch_that_fails_in_python(flow: TaskFlow) -> None:
    said: list[Any] = []
    batch = flow.batch("uploadPhotos", items=["a", "broken"])
    batch.then(lambda results: said.append("never")).catch(said.append).finally_(lambda: said.append("Done"))
    flow.run()
    batch.wait()
    error, done = said
    assert isinstance(error, TaskFailedError)
    assert done == "Done"


def test_find_feeds_a_batch(sh: Sh, flow: TaskFlow) -> None:
    script = "mkdir photos; touch 'photos/a b' photos/c; find photos -type f -print0"
    (batch,) = sh(f"{script} | bgo batch uploadPhotos --items - --format null")
    sh("bgo run --quiet")
    assert flow.get(batch).state == "succeeded"
    assert {view.output["uploaded"] for view in flow.batch_results(batch)} == {"photos/a b", "photos/c"}
