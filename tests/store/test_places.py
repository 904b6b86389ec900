"""Where a store may lie: private modes under any umask, nothing planted, nothing foreign, nothing on a network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bgo.errors import PermissionRefusedError, StoreError
from bgo.store import place
from bgo.store.sqlite import SqliteStore
from tests.store import actors, drive

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
NOBODY = 65_534


WATCH_MODES = """
os.umask(int(sys.argv[2], 8))
seen, busy = {}, False

def note(event, args):
    global busy
    if not busy and event in ("open", "sqlite3.connect", "sqlite3.connect/handle", "fcntl.flock", "os.mkdir"):
        busy = True
        for made in path.parent.iterdir() if path.parent.is_dir() else ():
            seen.setdefault(made.name, set()).add(made.lstat().st_mode & 0o777)
        busy = False

sys.addaudithook(note)
store = SqliteStore(path)
drive.enqueue(store)
drive.enqueue(store)
tell(seen={name: sorted(found) for name, found in seen.items()},
     now={made.name: made.lstat().st_mode & 0o777 for made in path.parent.iterdir()},
     folders=[folder.stat().st_mode & 0o777 for folder in (path.parent, path.parent.parent)])
"""


@pytest.mark.parametrize("umask", ["000", "022", "077"])
def test_everything_that_is_made_is_private_at_every_moment(tmp_path: Path, umask: str) -> None:
    (told,) = actors.run(WATCH_MODES, tmp_path / "a" / "b" / "bgo.db", umask)
    private = dict.fromkeys(["bgo.db", "bgo.db-wal", "bgo.db-shm", "bgo.db.lock"], 0o600)
    assert told["now"] == private
    assert told["seen"] == {name: [mode] for name, mode in private.items()}
    assert told["folders"] == [0o700, 0o700]


@pytest.mark.parametrize("planted", ["bgo.db", "bgo.db-wal", "bgo.db-shm", "bgo.db.lock"])
def test_a_planted_symlink_is_refused_and_its_target_left_alone(path: Path, planted: str) -> None:
    path.parent.mkdir(mode=0o700)
    target = path.parent.parent / "victim"
    target.write_bytes(b"precious")
    (path.parent / planted).symlink_to(target)
    with pytest.raises(PermissionRefusedError, match="not a plain file"):
        SqliteStore(path)
    assert target.read_bytes() == b"precious"


def test_a_symlink_to_nothing_is_refused_too(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.symlink_to(path.parent / "elsewhere")
    with pytest.raises(PermissionRefusedError):
        SqliteStore(path)
    assert not (path.parent / "elsewhere").exists()


def test_a_second_name_is_refused(path: Path) -> None:
    SqliteStore(path).close()
    os.link(path, path.with_name("other.db"))
    with pytest.raises(PermissionRefusedError, match="second name"):
        SqliteStore(path.with_name("other.db"))


@pytest.mark.parametrize("mode", [0o660, 0o606, 0o622, 0o666])
def test_a_file_that_others_may_write_is_refused(path: Path, mode: int) -> None:
    SqliteStore(path).close()
    path.chmod(mode)
    with pytest.raises(PermissionRefusedError) as caught:
        SqliteStore(path)
    assert caught.value.exit_code == 77
    assert caught.value.hint == f"chmod 600 {path}"


@pytest.mark.parametrize(
    ("mode", "fits"), [(0o770, False), (0o707, False), (0o777, False), (0o1777, True), (0o755, True)]
)
def test_a_folder_that_others_may_write_is_refused_unless_it_is_sticky(path: Path, mode: int, fits: bool) -> None:
    path.parent.mkdir()
    path.parent.chmod(mode)
    if fits:
        SqliteStore(path).close()
    else:
        with pytest.raises(PermissionRefusedError, match="others may write"):
            SqliteStore(path)
        assert not path.exists()


@needs_root
@pytest.mark.parametrize("owned", ["bgo.db", "bgo.db-wal", "bgo.db.lock", "."])
def test_what_belongs_to_another_user_is_refused(path: Path, owned: str) -> None:
    SqliteStore(path).close()
    (path.parent / owned).touch()
    os.chown(path.parent / owned, NOBODY, NOBODY)
    with pytest.raises(PermissionRefusedError, match="belongs to another user"):
        SqliteStore(path)


def test_a_folder_in_the_place_of_the_file_is_refused(path: Path) -> None:
    path.mkdir(parents=True, mode=0o700)
    with pytest.raises(PermissionRefusedError, match="not a plain file"):
        SqliteStore(path)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(StoreError, match="cannot use") as caught:
        SqliteStore(tmp_path / "file" / "bgo.db")
    assert caught.value.exit_code == 74


def test_a_store_swapped_while_it_is_opened_is_noticed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between our look at the file and SQLite's opening of it, somebody puts another one there."""
    SqliteStore(path).close()
    other = path.with_name("other.db")
    SqliteStore(other).close()
    real = place.prepare

    def prepare(asked: Path) -> place.Identity:
        found = real(asked)
        other.replace(asked)
        return found

    monkeypatch.setattr(place, "prepare", prepare)
    with pytest.raises(StoreError, match="moved, deleted or replaced"):
        SqliteStore(path)


@pytest.mark.parametrize("how", ["deleted", "renamed", "replaced"])
def test_nothing_is_written_into_a_store_that_is_no_longer_there(path: Path, how: str) -> None:
    store = SqliteStore(path)
    drive.enqueue(store)
    if how == "deleted":
        path.unlink()
    else:
        path.rename(path.with_name("moved.db"))
    if how == "replaced":
        path.with_name("moved.db-wal").unlink(missing_ok=True)
        path.touch(mode=0o600)
    with pytest.raises(StoreError, match="moved, deleted or replaced") as caught:
        drive.enqueue(store)
    assert caught.value.exit_code == 74
    store.close()


READ_ONLY = """
os.setgid(65534); os.setgroups([]); os.setuid(65534)
attempt(lambda: drive.enqueue(SqliteStore(path)))
"""


@needs_root
@pytest.mark.parametrize("what", ["file", "folder", "both", "unreadable"])
def test_a_read_only_store_is_refused_in_plain_words(tmp_path: Path, what: str) -> None:
    path = Path(f"/tmp/bgo-read-only-{os.getpid()}-{what}") / "bgo.db"  # below tmp_path nobody may go
    SqliteStore(path).close()
    try:
        for made in (path.parent, *path.parent.iterdir()):
            os.chown(made, NOBODY, NOBODY)
        if what in ("file", "both"):
            path.chmod(0o400)
        if what in ("folder", "both"):
            path.parent.chmod(0o500)
            path.with_name("bgo.db.lock").unlink()
        if what == "unreadable":
            path.chmod(0o000)
        (told,) = actors.run(READ_ONLY, path)
        assert told["error"] == "PermissionRefusedError", told
        assert told["code"] == 77
        assert told["hint"]
    finally:
        for made in path.parent.iterdir():
            made.unlink()
        path.parent.rmdir()


MOUNTS = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 21 0:50 / {folder} rw,relatime shared:2 - {kind} server:/export rw
31 21 0:51 / {folder}-beside rw,relatime - nfs server:/other rw
not a mount
"""


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse.sshfs"])
def test_a_network_file_system_is_refused_unless_forced(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / "a folder" / "bgo.db"
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(folder=str(path.parent).replace(" ", "\\040"), kind=kind))
    monkeypatch.setattr(place, "MOUNTS", mounts)
    with pytest.raises(StoreError, match=f"network file system \\({kind}\\)") as caught:
        SqliteStore(path)
    assert place.FORCE in caught.value.hint
    assert not path.exists()
    monkeypatch.setenv(place.FORCE, "1")
    SqliteStore(path).close()
    monkeypatch.delenv(place.FORCE)
    with pytest.raises(StoreError, match="network"):
        SqliteStore(path)


def test_the_innermost_mount_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(folder=tmp_path, kind="btrfs"))
    monkeypatch.setattr(place, "MOUNTS", mounts)
    assert place.file_system(tmp_path / "x") == "btrfs"
    assert place.file_system(Path(f"{tmp_path}-beside/x")) == "nfs"
    assert place.file_system(Path("/")) == "ext4"
    monkeypatch.setattr(place, "MOUNTS", tmp_path / "nothing")
    assert place.file_system(tmp_path) == ""


def test_the_path_of_a_store_does_not_follow_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = SqliteStore(Path("own/bgo.db"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (task_id,) = drive.enqueue(store)
    assert store.path == tmp_path / "own" / "bgo.db"
    assert drive.ids(store) == {task_id}
    store.close()


WATCH_OPENS = """
from bgo.store import admin
opened, watching = [], True

def note(event, args):
    if watching and event == "open" and isinstance(args[0], (str, bytes, os.PathLike)):
        opened.append(os.fsdecode(args[0]))

sys.addaudithook(note)
store = SqliteStore(path)
opened.clear()
drive.enqueue(store)
drive.run_all(store)
SqliteStore(path).close()
admin.check(store)
admin.repair(store)
admin.info(store)
admin.warnings(store)
admin.backup(store, path.with_name("copy.db"))
admin.vacuum(store)
store.copy_to_memory().close()
watching = False
tell(opened=opened)
"""


def test_the_store_is_never_opened_beside_sqlite_while_it_is_connected(path: Path) -> None:
    """Closing any descriptor of the file would drop SQLite's POSIX locks on it, in all connections of the process."""
    (told,) = actors.run(WATCH_OPENS, path)
    names = [Path(name).name for name in told["opened"]]
    assert not {"bgo.db", "bgo.db-wal", "bgo.db-shm"} & set(names)
    assert "bgo.db.lock" in names, "the hook sees what is opened"
