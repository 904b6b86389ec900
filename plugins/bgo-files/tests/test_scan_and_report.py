"""`files.scan` and `files.report`: what is listed, and what a chain's end makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bgo_files import scanning
from bgo_files.reporting import report
from bgo_files.scanning import scan


def tree(folder: Path) -> None:
    (folder / "sub").mkdir()
    for name, text in (("b.txt", "bb"), ("a.log", "a"), ("sub/c.txt", "ccc"), (".hidden", "x")):
        (folder / name).write_text(text)
    (folder / "link.txt").symlink_to(folder / "b.txt")


def test_regular_files_are_listed_in_order(ctx: Any, tmp_path: Path) -> None:
    tree(tmp_path)
    found = scan(ctx, str(tmp_path)).data
    assert found == {"files": [f"{tmp_path}/{name}" for name in ("a.log", "b.txt", "sub/c.txt")], "size": 6}
    only = scan(ctx, str(tmp_path), pattern="*.txt").data
    assert [Path(path).name for path in only["files"]] == ["b.txt", "c.txt"]


@pytest.mark.parametrize(("name", "said"), [("b.txt", "it is no directory"), ("gone", "it is no directory")])
def test_what_is_no_directory_is_refused(ctx: Any, tmp_path: Path, name: str, said: str) -> None:
    tree(tmp_path)
    result = scan(ctx, str(tmp_path / name))
    assert (result.status, said in result.error, result.may_retry) == ("failure", True, name == "gone")


def test_more_files_than_an_output_holds_are_refused(ctx: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path)
    monkeypatch.setattr(scanning, "LISTED_BYTES", len(str(tmp_path)) + 20)
    assert "do not fit into one output" in scan(ctx, str(tmp_path)).error


def test_a_report_joins_what_the_steps_know(ctx: Any, tmp_path: Path) -> None:
    hashed = [{"path": "b", "size": 2, "sha256": "22"}, {"path": "a", "size": 1, "sha256": "11"}]
    ctx.chain = {
        "files.scan": {"files": ["a", "b"], "size": 3},
        "hash": hashed,
        "zip": [{"path": "a", "size": 1, "to": "a.gz", "compressed_size": 9}, None],
        "one": {"path": "c", "size": 0, "sha256": "00"},
    }
    to = tmp_path / "table.tsv"
    assert report(ctx, to=str(to)).data == {"to": str(to), "files": 3}
    assert to.read_text().splitlines() == [
        "path\tsize\tsha256\tto\tcompressed_size",
        "a\t1\t11\ta.gz\t9",
        "b\t2\t22\t\t",
        "c\t0\t00\t\t",
    ]
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.tsv"]
