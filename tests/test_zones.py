"""Zones: hostile names are errors of the user's, and the computer's own zone is found however it is told."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from bgo import zones
from bgo.errors import UsageError
from bgo.zones import local_name, zone

PATHS = [
    *("../../etc/passwd", "/etc/passwd", "/etc/localtime", "/usr/share/zoneinfo/Europe/Berlin", "Europe/../UTC"),
    *("Europe//Berlin", "/Europe/Berlin", "Europe/Berlin/", "./UTC", "~/UTC", "Europe\\Berlin", "file:///etc/passwd"),
    *("Europe", "America/Indiana", "posix", "right", "tzdata.zi", "zone.tab", "zone1970.tab", "leapseconds"),
    *("localtime", "posixrules", "Factory", "right/Europe/Berlin", "posix/UTC", "right/UTC", "__init__", "__init__.py"),
]
TEXTS = [
    *(
        "",
        " ",
        "UTC ",
        " UTC",
        "UTC\n",
        "Europe/Berlin\n",
        "UTC\x00",
        "\x00",
        "Europe/Berlin\x00",
        "\x1b[31mUTC",
        "\ud800",
    ),
    *(
        "Ｕtc",
        "Europe/Bërlin",
        "欧洲/柏林",
        "🕐",
        "\u202eCTU",
        "A" * 300,
        "A" * 100_000,
        "A/" * 300,
        "a" * 33,
        "Europe/" * 5,
    ),
    *("europe/berlin", "Berlin", "CEST", "MESZ", "Europe/Belrin", "Europe Berlin", "local", "system", "None"),
    *(
        "UTC+1",
        "GMT+1:00",
        "CET-1CEST",
        "<+03>-3",
        "EST5EDT,M3.2.0,M11.1.0",
        "%s",
        "%n",
        "$TZ",
        "`date`",
        "*",
        "?",
        "''",
    ),
]
OFFSETS = [
    *(
        "+15:00",
        "-14:01",
        "+14:30",
        "+99:99",
        "+01:60",
        "+1:00",
        "+0100",
        "01:00",
        "+01",
        "+01:00:00",
        "++01:00",
        "+-1:00",
    ),
    *("+٠١:٠٠", "+01:0O", "−01:00", "+01：00", " +01:00", "+01:00 ", "+01:00\n", "+ 01:00", "1e3", "+1e:00"),
]


def _noise(count: int) -> list[str]:
    rng = random.Random(64)
    signs = "".join(map(chr, range(128))) + "/////....éß٣\u200b\u2028"
    return ["?" + "".join(rng.choice(signs) for _ in range(rng.randint(0, 60))) for _ in range(count)]


NAMES = [*PATHS, *TEXTS, *OFFSETS, *_noise(120)]


def test_names_that_are_no_zone() -> None:
    assert len(set(NAMES)) >= 200
    for name in NAMES:
        with pytest.raises(UsageError, match=r"^not a time zone: ") as caught:
            zone(name)
        error = caught.value
        assert (error.exit_code, error.hint) == (2, zones.HINT), name
        assert error.why, name
        assert len(error.message) + len(error.why) < 300, name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("europe/berlin", "Europe/Berlin"),
        ("Europe/Belrin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("right/Asia/Tokyo", "Asia/Tokyo"),
        ("posix/Asia/Tokyo", "Asia/Tokyo"),
    ],
)
def test_what_was_meant(name: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        zone(name)
    assert caught.value.why == f"did you mean {meant!r}?"


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("UTC", 0.0),
        *((name, 0.0) for name in ("utc", "Utc", "GMT", "gmt", "Z", "z")),
        ("Europe/Berlin", 1.0),
        ("America/Argentina/Buenos_Aires", -3.0),
        ("Etc/GMT+5", -5.0),
        ("Asia/Kolkata", 5.5),
        ("EST5EDT", -5.0),
        ("+00:00", 0.0),
        ("+05:45", 5.75),
        ("-14:00", -14.0),
        ("+14:00", 14.0),
    ],
)
def test_zones(name: str, hours: float) -> None:
    assert datetime(2026, 1, 1, tzinfo=UTC).astimezone(zone(name)).utcoffset() == timedelta(hours=hours)


@pytest.fixture
def tz(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (":Europe/Berlin", "Europe/Berlin"),
        (":/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin"),
        ("/usr/share/zoneinfo/right/Europe/Berlin", "Europe/Berlin"),
        ("right/Asia/Tokyo", "Asia/Tokyo"),
        ("UTC", "UTC"),
        ("UTC0", "UTC"),
        ("", "UTC"),
        (":", "UTC"),
        ("EST5EDT", "EST5EDT"),
        ("XYZ-5:30", "+05:30"),
        ("<-03>3", "-03:00"),
        ("No/Such_Place", "UTC"),  # so says the C library
    ],
)
def test_the_zone_that_tz_names(tz: pytest.MonkeyPatch, said: str, name: str) -> None:
    tz.setenv("TZ", said)
    time.tzset()
    assert local_name() == name
    zone(name)


@pytest.mark.parametrize(
    ("said", "doubt"),
    [
        ("CET-1CEST", "TZ='CET-1CEST' is no name of the time zone database: taken as +0"),
        ("Foo/Bar", "TZ='Foo/Bar' is no name of the time zone database: taken as UTC, without summer time"),
        *((name, "") for name in ("", "UTC", "UTC0", "Europe/Berlin", ":Asia/Tokyo", "JST-9", "<-03>3", "EST5EDT")),
    ],
)
def test_what_tz_does_not_name_is_doubted(tz: pytest.MonkeyPatch, said: str, doubt: str) -> None:
    tz.setenv("TZ", said)
    time.tzset()
    assert zones.doubt().startswith(doubt)
    assert bool(zones.doubt()) == bool(doubt)


def test_a_computer_whose_zone_has_no_name_is_doubted_unless_it_is_utc(tz: pytest.MonkeyPatch) -> None:
    tz.delenv("TZ", raising=False)
    tz.setattr(zones, "_linked", lambda: "")
    tz.setattr(zones, "_written", lambda: "")
    for offset, doubt in (("+0200", "this computer's zone has no name: taken as +02:00, without summer time"),
                          ("+0000", "")):  # fmt: skip
        there = timezone(timedelta(hours=int(offset[:3])))
        tz.setattr(zones, "to_local", lambda ms, there=there: datetime.fromtimestamp(ms / 1000, there))
        assert zones.doubt() == doubt


@pytest.mark.parametrize("name", ["CEST", "MESZ", "Foo/Bar", "Berl", "local", "None", "qq"])
def test_nothing_is_suggested_that_is_not_much_alike(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        zone(name)
    assert "did you mean" not in caught.value.why


def test_the_zone_of_the_computer(tz: pytest.MonkeyPatch) -> None:
    tz.delenv("TZ", raising=False)
    time.tzset()
    zone(local_name())


@pytest.mark.parametrize(
    ("link", "written", "name"),
    [
        ("/usr/share/zoneinfo/Europe/Berlin", "", "Europe/Berlin"),
        ("/var/db/timezone/zoneinfo/Asia/Tokyo", "", "Asia/Tokyo"),
        ("/usr/share/zoneinfo/posix/Asia/Tokyo", "Europe/Berlin", "Asia/Tokyo"),
        ("/etc/localtime", "Europe/Berlin", "Europe/Berlin"),
        ("/usr/share/zoneinfo/Factory", "Asia/Tokyo", "Asia/Tokyo"),
    ],
)
def test_the_zone_that_the_system_names(
    tz: pytest.MonkeyPatch, tmp_path: Path, link: str, written: str, name: str
) -> None:
    tz.delenv("TZ", raising=False)
    tz.setattr(zones.os.path, "realpath", lambda path: link if path == "/etc/localtime" else path)
    tz.setattr(zones, "_written", lambda: written)
    assert local_name() == name
