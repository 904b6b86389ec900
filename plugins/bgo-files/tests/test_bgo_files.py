"""`files.hash`, `files.compress` and `files.copy` on real files."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bgo_files import compressing, copying
from bgo_files.compressing import compress
from bgo_files.copying import copy
from bgo_files.hashing import hash_file
from bgo_files.source import human

from bgo.hooks.registry import Registry
from bgo.model.handler import Source
from bgo.model.options import TaskTimeout
from bgo.policy.schema import check_input

MIB = 1 << 20
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoint after each MiB, so that small files show what large ones do."""
    monkeypatch.setattr(copying, "CHECKPOINT_BYTES", MIB)
    monkeypatch.setattr(compressing, "MEMBER_BYTES", MIB)


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """Five MiB and a bit: half noise, half text."""
    file = tmp_path / "big.bin"
    file.write_bytes(b"".join(os.urandom(MIB // 2) + b"all work and no play\n" * 26000 for _ in range(5)) + b"end")
    return file


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def failed(result: Any) -> str:
    assert result.status == "failure"
    return str(result.error)


# -- hash


@pytest.mark.parametrize("content", [b"", b"x", b"y" * (3 * MIB + 7)], ids=["empty", "one byte", "3 MiB"])
def test_hash_equals_sha256sum(content: bytes, tmp_path: Path, ctx: Any) -> None:
    file = tmp_path / "a file\n.bin"
    file.write_bytes(content)
    result = hash_file(ctx, str(file))
    assert result.data == {"path": str(file), "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert ctx.progress[-1][0] == 1.0
    if shutil.which("sha256sum"):
        with file.open("rb") as stream:
            said = subprocess.run(["sha256sum"], stdin=stream, capture_output=True, text=True, check=True).stdout
        assert said.split()[0] == result.data["sha256"]


def test_a_cancel_ends_a_hash(big: Path, ctx: Any, cancelled: type[BaseException]) -> None:
    ctx.on_progress = lambda ctx: setattr(ctx, "cancelled", True)
    with pytest.raises(cancelled):
        hash_file(ctx, str(big))
    assert len(ctx.progress) == 1


# -- what is refused, and leaves nothing behind

Work = Callable[[Any, str, str], Any]
WORKS: dict[str, Work] = {
    "hash": lambda ctx, path, to: hash_file(ctx, path),
    "copy": copy,
    "compress": compress,
}
WRITERS = [WORKS["copy"], WORKS["compress"]]


@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS)
def test_sources_that_are_no_files(work: Work, tmp_path: Path, ctx: Any) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    to = str(tmp_path / "out")
    cases = {
        "gone": ("no such file", True),
        "folder": ("it is a directory", False),
        "fifo": ("it is not a regular file", False),
        "a\0b": ("not a path", False),
        "x" * 300: ("File name too long", True),
    }
    for name, (message, retry) in cases.items():
        result = work(ctx, str(tmp_path / name), to)
        assert message in failed(result)
        assert result.may_retry is retry
    assert names(tmp_path) == {"fifo", "folder"}


@pytest.mark.parametrize("work", WRITERS, ids=["copy", "compress"])
def test_targets_that_cannot_be(work: Work, big: Path, tmp_path: Path, ctx: Any) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    os.link(big, tmp_path / "hard")
    (tmp_path / "soft").symlink_to(big)
    before = names(tmp_path)
    cases = {
        "big.bin": "source and target are the same file",
        "folder/../big.bin": "source and target are the same file",
        "hard": "source and target are the same file",
        "soft": "source and target are the same file",
        "folder": "it is a directory; name the file",
        "gone/out": "does not exist",
        "fifo": "it is not a regular file",
        "a\0b": "not a path",
    }
    for name, message in cases.items():
        assert message in failed(work(ctx, str(big), str(tmp_path / name)))
    assert names(tmp_path) == before
    assert names(tmp_path / "folder") == set()


@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS)
@pytest.mark.parametrize("change", ["append", "truncate", "replace", "remove", "touch"])
def test_a_source_that_changes_meanwhile_fails_clearly(
    work: Work, change: str, big: Path, tmp_path: Path, ctx: Any
) -> None:
    def meddle(ctx: Any) -> None:
        ctx.on_progress = lambda ctx: None
        match change:
            case "append":
                with big.open("ab") as stream:
                    stream.write(b"more")
            case "truncate":
                os.truncate(big, 10)
            case "replace":
                other = tmp_path / "other"
                shutil.copy2(big, other)
                other.replace(big)
            case "remove":
                big.unlink()
            case "touch":
                os.utime(big, ns=(1, 1))

    ctx.on_progress = meddle
    result = work(ctx, str(big), str(tmp_path / "out"))
    assert "changed while it was being read" in failed(result)
    assert result.may_retry
    assert names(tmp_path) <= {"big.bin"}


@pytest.mark.parametrize("work", WRITERS, ids=["copy", "compress"])
def test_a_cancel_leaves_nothing_behind(
    work: Work, big: Path, tmp_path: Path, ctx: Any, cancelled: type[BaseException]
) -> None:
    ctx.on_checkpoint = lambda ctx: setattr(ctx, "cancelled", True)
    with pytest.raises(cancelled):
        work(ctx, str(big), str(tmp_path / "out"))
    assert names(tmp_path) == {"big.bin"}


@pytest.mark.parametrize("work", WRITERS, ids=["copy", "compress"])
def test_a_full_disk_leaves_nothing_behind(
    work: Work, big: Path, tmp_path: Path, ctx: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def full(fd: int, data: Any) -> int:
        if ctx.checkpoints:
            raise OSError(28, "No space left on device")
        return write(fd, data)

    monkeypatch.setattr(os, "write", full)
    result = work(ctx, str(big), str(tmp_path / "out"))
    assert "No space left on device" in failed(result)
    assert names(tmp_path) == {"big.bin"}


# -- copy


def test_a_copy_is_the_same_with_its_permissions(big: Path, tmp_path: Path, ctx: Any) -> None:
    big.chmod(0o640)
    out = tmp_path / "out"
    out.write_text("something older")
    result = copy(ctx, str(big), str(out))
    assert result.data == {"path": str(big), "to": str(out), "size": big.stat().st_size, "sha256": digest(big)}
    assert out.read_bytes() == big.read_bytes()
    assert out.stat().st_mode & 0o777 == 0o640
    assert names(tmp_path) == {"big.bin", "out"}
    assert [f for f, _ in ctx.progress] == sorted(f for f, _ in ctx.progress)


def test_a_copy_follows_a_link_and_keeps_it(big: Path, tmp_path: Path, ctx: Any) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "file")
    assert copy(ctx, str(big), str(tmp_path / "link")).status == "success"
    assert (tmp_path / "link").is_symlink()
    assert digest(tmp_path / "real" / "file") == digest(big)


def test_the_target_is_never_seen_half_written(big: Path, tmp_path: Path, ctx: Any) -> None:
    out = tmp_path / "out"
    out.write_text("older")
    seen: list[str] = []
    ctx.on_checkpoint = lambda ctx: seen.append(out.read_text())
    copy(ctx, str(big), str(out))
    assert set(seen) == {"older"}
    assert len(seen) >= 4


# -- resumption: `kill -9` leaves the part file as it is, whatever was written after the checkpoint


def crash_after(checkpoints: int, work: Work, paths: tuple[Path, Path], ctx: Any, killed: type[BaseException]) -> None:
    def kill(ctx: Any) -> None:
        if ctx.checkpoints == checkpoints:
            raise killed

    ctx.on_checkpoint = kill
    with pytest.raises(killed):
        work(ctx, str(paths[0]), str(paths[1]))
    assert not paths[1].exists()


def part_of(ctx: Any, folder: Path) -> Path:
    return folder / f".bgo-{ctx.task_id}.part"


@pytest.mark.parametrize("work", WRITERS, ids=["copy", "compress"])
def test_a_killed_run_goes_on_where_it_was(
    work: Work, big: Path, tmp_path: Path, ctx: Any, killed: type[BaseException]
) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    crash_after(3, work, (big, out), ctx, killed)
    with part_of(ctx, tmp_path).open("ab") as stream:
        stream.write(b"written after the checkpoint, and perhaps half of it")
    second = ctx.again()
    result = work(second, str(big), str(out))
    assert result.data["sha256"] == digest(big)
    assert second.checkpoints < 3 + 1, "what was done is not done again"
    assert "goes on at 3.0 MiB" in second.logs[0]
    assert work(type(ctx)("0other00000a"), str(big), str(whole)).status == "success"
    assert out.read_bytes() == whole.read_bytes(), "interrupted or not, the bytes are the same"
    assert names(tmp_path) == {"big.bin", "out", "whole"}


@pytest.mark.parametrize("work", WRITERS, ids=["copy", "compress"])
@pytest.mark.parametrize("damage", ["flipped", "short", "gone", "link", "other source", "other target", "nonsense"])
def test_a_part_that_is_not_what_it_was_is_not_used(
    work: Work, damage: str, big: Path, tmp_path: Path, ctx: Any, killed: type[BaseException]
) -> None:
    out, victim = tmp_path / "out", tmp_path / "victim"
    victim.write_text("precious")
    crash_after(2, work, (big, out), ctx, killed)
    part, second = part_of(ctx, tmp_path), ctx.again()
    match damage:
        case "flipped":
            data = bytearray(part.read_bytes())
            data[100] ^= 1
            part.write_bytes(data)
        case "short":
            os.truncate(part, 100)
        case "gone":
            part.unlink()
        case "link":
            part.unlink()
            part.symlink_to(victim)
        case "other source":
            os.utime(big, ns=(5, 5))
        case "other target":
            second.restored["target"] = "/elsewhere"
        case "nonsense":
            second.restored = {**second.restored, "written": "many"}
    result = work(second, str(big), str(out))
    assert result.data["sha256"] == digest(big)
    assert second.logs == [], "it began anew"
    assert victim.read_text() == "precious"
    content = gzip.decompress(out.read_bytes()) if work is WORKS["compress"] else out.read_bytes()
    assert content == big.read_bytes()
    assert names(tmp_path) == {"big.bin", "out", "victim"}


@pytest.mark.parametrize("work", WRITERS, ids=["copy", "compress"])
def test_a_cancel_while_the_part_is_checked_removes_it(
    work: Work, big: Path, tmp_path: Path, ctx: Any, killed: type[BaseException], cancelled: type[BaseException]
) -> None:
    crash_after(2, work, (big, tmp_path / "out"), ctx, killed)
    second = ctx.again()
    second.cancelled = True
    with pytest.raises(cancelled):
        work(second, str(big), str(tmp_path / "out"))
    assert names(tmp_path) == {"big.bin"}


# -- compress


def test_compressed_files_unpack_to_what_they_were(big: Path, tmp_path: Path, ctx: Any) -> None:
    big.chmod(0o604)
    result = compress(ctx, str(big))
    out = tmp_path / "big.bin.gz"
    assert result.data == {
        "path": str(big),
        "to": str(out),
        "size": big.stat().st_size,
        "compressed_size": out.stat().st_size,
        "sha256": digest(big),
    }
    assert gzip.decompress(out.read_bytes()) == big.read_bytes()
    assert out.stat().st_size < big.stat().st_size
    assert out.stat().st_mode & 0o777 == 0o604
    assert big.exists()
    if shutil.which("gzip"):
        unpacked = subprocess.run(["gzip", "-dc", str(out)], capture_output=True, check=True).stdout
        assert hashlib.sha256(unpacked).hexdigest() == digest(big)


def test_the_bytes_depend_on_the_content_alone(big: Path, tmp_path: Path, ctx: Any) -> None:
    twin = tmp_path / "twin"
    twin.write_bytes(big.read_bytes())
    os.utime(twin, ns=(10**18, 10**18))
    compress(ctx, str(big))
    compress(ctx, str(twin))
    assert (tmp_path / "big.bin.gz").read_bytes() == (tmp_path / "twin.gz").read_bytes()


@pytest.mark.parametrize("size", [0, 1, MIB, 2 * MIB])
def test_sizes_at_the_edges(size: int, tmp_path: Path, ctx: Any) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"z" * size)
    assert compress(ctx, str(file)).data["size"] == size
    assert gzip.decompress((tmp_path / "f.gz").read_bytes()) == b"z" * size


def test_without_keep_the_source_goes_last(big: Path, tmp_path: Path, ctx: Any) -> None:
    content = digest(big)
    result = compress(ctx, str(big), keep=False)
    assert names(tmp_path) == {"big.bin.gz"}
    assert result.data["sha256"] == content
    again = compress(ctx.again(), str(big), keep=False)
    assert again.data == result.data, "a run whose success was never recorded is not a failure"
    (tmp_path / "big.bin.gz").write_bytes(b"something else")
    assert "not what this task wrote" in failed(compress(ctx.again(), str(big), keep=False))
    assert "no such file" in failed(compress(type(ctx)(), str(big), keep=False))


def test_a_source_that_changed_after_the_proof_is_kept(big: Path, tmp_path: Path, ctx: Any) -> None:
    ctx.on_checkpoint = lambda ctx: os.utime(big, ns=(1, 1)) if "placed" in ctx.saved else None
    assert "changed" in failed(compress(ctx, str(big), keep=False))
    assert big.exists()


def test_what_cannot_be_unpacked_never_takes_the_name(
    big: Path, tmp_path: Path, ctx: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def rotten(fd: int, data: Any) -> int:
        return write(fd, data if len(data) < 1000 else bytes(data[:-1]) + bytes([data[-1] ^ 1]))

    monkeypatch.setattr(os, "write", rotten)
    result = compress(ctx, str(big))
    assert "what was written" in failed(result)
    assert result.may_retry
    assert names(tmp_path) == {"big.bin"}


# -- as a plugin


def entries() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found: dict[str, str] = project["entry-points"]["bgo.handlers"]
    return found


def test_every_announced_handler_resolves_and_is_typed() -> None:
    registry = Registry.for_child({})
    found = {name: registry.resolve(name, Source("entry", target)).info for name, target in entries().items()}
    assert set(found) == {"files.hash", "files.compress", "files.copy", "files.scan", "files.report"}
    for info in found.values():
        assert info.summary.endswith(".") or ";" in info.summary
        assert info.defaults.timeout == TaskTimeout.NONE
    check_input(found["files.hash"], {"path": "a"})
    check_input(found["files.compress"], {"path": "a", "to": None, "keep": False})
    check_input(found["files.copy"], {"path": "a", "to": "b"})


def test_the_readme_s_plugin_works(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(blocks) >= 2
    for number, block in enumerate(blocks):
        (tmp_path / f"readme_{number}.py").write_text(block)
    registry = Registry.for_child({})
    one = registry.resolve("text.count", Source("file", str(tmp_path / "readme_0.py")))
    (tmp_path / "words").write_text("one two\nthree\n")
    data = {"path": str(tmp_path / "words")}

    class Ctx:
        input = data

        def report_progress(self, *_: Any) -> None: ...
        def check_cancelled(self) -> None: ...

    assert one(Ctx()) == {"path": data["path"], "words": 3}
    two = registry.resolve("text.lines", Source("file", str(tmp_path / "readme_1.py")))
    assert two(Ctx()) == {"lines": 2}


def test_sizes_for_people() -> None:
    assert [human(n) for n in (0, 1023, 1024, 3 * MIB // 2, 5 << 30, 3 << 40)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "1.5 MiB",
        "5.0 GiB",
        "3.0 TiB",
    ]
