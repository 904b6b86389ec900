"""An app's Info.plist: what keeps its background work from running, and files that are none."""

from __future__ import annotations

import plistlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.devices.plist import Finding, findings, read
from bgo.devices.plist.reading import SIZE_LIMIT, parse
from bgo.devices.profiles import profile
from bgo.errors import UsageError
from bgo.model.profile import AppRules, Profile

IOS = profile("ios")
IDS, MODES = "BGTaskSchedulerPermittedIdentifiers", "UIBackgroundModes"
GOOD: dict[str, Any] = {
    "CFBundleIdentifier": "com.example.app",
    "CFBundlePackageType": "APPL",
    "LSRequiresIPhoneOS": True,
    "MinimumOSVersion": "15.0",
    IDS: ["com.example.app.refresh", "com.example.app.processing", "com.example.app.export.*"],
    MODES: ["fetch", "processing"],
}


def with_app(**rules: Any) -> Profile:
    return replace(IOS, app=replace(IOS.app or AppRules(), **rules))


def bad(profile_: Profile = IOS, **changes: Any) -> list[Finding]:
    """Return the errors and warnings of a good plist with these keys changed; None: without it."""
    plist = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    return [one for one in findings(plist, profile_) if one.level != "note"]


def test_a_good_one_has_notes_alone() -> None:
    found = findings(GOOD, IOS)
    assert {one.level for one in found} == {"note"}
    assert [one.key for one in found] == [IDS, "", ""]
    assert "backgroundRefreshStatus" in found[1].fix
    assert "Simulator" in found[2].what
    assert all(one.what and one.why and one.fix for one in found)


@pytest.mark.parametrize(
    ("changes", "level", "key", "word"),
    [
        ({IDS: None}, "error", IDS, "there is no"),
        ({IDS: []}, "error", IDS, "no identifier is listed"),
        ({IDS: "com.example.app.refresh"}, "error", IDS, "but a text"),
        ({IDS: {"a": 1}}, "error", IDS, "but a dictionary"),
        ({IDS: ["com.example.app.a", 7]}, "error", IDS, "other things"),
        ({IDS: [" com.example.app.a", "com.example.app.b"]}, "error", IDS, "blanks"),
        ({IDS: ["", "com.example.app.a", "com.example.app.b"]}, "error", IDS, "empty"),
        ({IDS: ["com.other.*", "com.example.app.a", "com.example.app.b"]}, "error", IDS, "does not begin with"),
        ({IDS: ["com.example.app.a", "com.example.app.a", "com.example.app.b"]}, "warning", IDS, "twice"),
        ({IDS: ["refresh", "com.example.app.b"]}, "warning", IDS, "reverse URL"),
        ({IDS: ["com.example.app.a"]}, "warning", IDS, "one identifier for both"),
        ({MODES: ["processing"]}, "error", MODES, "'fetch' is not listed"),
        ({MODES: ["fetch"]}, "error", MODES, "'processing' is not listed"),
        ({MODES: "fetch"}, "error", MODES, "but a text"),
        ({MODES: 5}, "error", MODES, "but a number"),
        ({MODES: ["fetch", "processing", "background-fetch"]}, "warning", MODES, "no mode 'background-fetch'"),
        ({"UIApplicationExitsOnSuspend": True}, "error", "UIApplicationExitsOnSuspend", "ends as soon as"),
        ({"MinimumOSVersion": "12.4"}, "warning", "MinimumOSVersion", "12.4"),
        ({"MinimumOSVersion": "9"}, "warning", "MinimumOSVersion", "9"),
        ({"NSExtension": {}}, "warning", "NSExtension", "extension"),
        ({"CFBundlePackageType": "FMWK"}, "warning", "CFBundlePackageType", "no app"),
        ({"LSMinimumSystemVersion": "13.0", "LSRequiresIPhoneOS": None}, "warning", "LSMinimumSystemVersion", "Mac"),
    ],
)  # fmt: skip
def test_each_fault_is_told_once(changes: dict[str, Any], level: str, key: str, word: str) -> None:
    (found,) = bad(**changes)
    assert (found.level, found.key) == (level, key)
    assert word in found.what
    assert found.why
    assert found.fix


def test_without_any_mode_both_are_missing() -> None:
    assert [one.what for one in bad(**{MODES: None})] == ["'fetch' is not listed", "'processing' is not listed"]


def test_a_mode_that_is_nearly_right_is_guessed() -> None:
    (found,) = bad(**{MODES: ["fetch", "processing", "background-fetch"]})
    assert found.why == "did you mean 'fetch'?"


@pytest.mark.parametrize("words", [{"MinimumOSVersion": "$(IPHONEOS_DEPLOYMENT_TARGET)"}, {"MinimumOSVersion": 12},
                                   {"CFBundlePackageType": "$(PRODUCT_BUNDLE_PACKAGE_TYPE)"},
                                   {"CFBundleIdentifier": "$(PRODUCT_BUNDLE_IDENTIFIER)"},
                                   {IDS: ["$(PRODUCT_BUNDLE_IDENTIFIER).a", "$(X)"]}])  # fmt: skip
def test_what_xcode_puts_in_at_build_time_is_not_judged(words: dict[str, Any]) -> None:
    assert bad(**words) == []


def test_what_the_profile_says_of_the_app_must_be_there() -> None:
    app = with_app(permitted_ids=("com.example.app.refresh", "com.example.app.sync"))
    errors = [one for one in bad(app) if one.level == "error"]
    assert [one.what for one in errors] == ["'com.example.app.sync' is not listed"]
    assert {one.what for one in bad(app) if one.level == "warning"} == {
        "'com.example.app.processing' is listed, and ios does not say that the app asks under it",
        "'com.example.app.export.*' is listed, and ios does not say that the app asks under it",
    }
    wild = with_app(permitted_ids=("com.example.app.refresh", "com.example.app.processing", "com.example.app.export.7"))
    assert bad(wild) == []
    assert bad(with_app(permitted_ids=("com.me.a",)), **{IDS: ["$(BUNDLE).a", "$(BUNDLE).b"]})[0].level == "warning"


def test_what_the_profile_says_of_its_modes_counts() -> None:
    assert bad(with_app(background_modes=("fetch",)), **{MODES: ["fetch"]}) == []
    (found,) = bad(with_app(background_modes=("fetch", "location")))
    assert found.what == "'location' is not listed"


def test_errors_come_first() -> None:
    levels = [one.level for one in findings({IDS: ["a"], "NSExtension": {}}, IOS)]
    assert levels == sorted(levels, key=["error", "warning", "note"].index)
    assert levels[0] == "error"


def test_a_profile_of_another_platform_has_no_plist() -> None:
    with pytest.raises(UsageError) as found:
        findings(GOOD, profile("android"))
    assert "no profile of ios" in found.value.message


@pytest.mark.parametrize("form", [plistlib.FMT_XML, plistlib.FMT_BINARY])
def test_both_forms_are_read(tmp_path: Path, form: Any) -> None:
    path = tmp_path / "Info.plist"
    path.write_bytes(plistlib.dumps(GOOD, fmt=form))
    assert read(path) == GOOD
    assert read(str(path))[MODES] == ["fetch", "processing"]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{ UIBackgroundModes = (fetch); }", b"<?xml version='1.0'?><plist><array/></plist>",
        b"<plist><dict><key>a",
        b"bplist00" + bytes(40), b"<plist><dict><key>a</key><date>x</date></dict></plist>", b"\x00\xff",
        b"<plist><dict><key>a</key><integer>x</integer></dict></plist>",
        b"<!DOCTYPE plist [<!ENTITY a 'b'>]><plist><dict><key>&a;</key><true/></dict></plist>",
        b"<plist><dict><key>a</key><data>!</data></dict>",
    ],
)  # fmt: skip
def test_what_is_no_property_list_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError) as found:
        parse(data, "Info.plist")
    assert "Info.plist" in found.value.message
    assert found.value.why
    assert "plutil" in found.value.hint


def test_a_file_that_is_not_there_or_too_long_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.plist", tmp_path):
        with pytest.raises(UsageError, match="cannot read"):
            read(path)
    (tmp_path / "long.plist").write_bytes(b" " * (SIZE_LIMIT + 1))
    with pytest.raises(UsageError, match="larger than"):
        read(tmp_path / "long.plist")


@given(st.sampled_from([plistlib.FMT_XML, plistlib.FMT_BINARY]), st.data())
def test_a_damaged_file_is_read_or_refused_but_never_a_bug(form: Any, data: st.DataObject) -> None:
    whole = bytearray(plistlib.dumps(GOOD, fmt=form))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        plist = parse(bytes(whole[: data.draw(st.integers(0, len(whole)))]), "Info.plist")
    except UsageError:
        return
    assert findings(plist, IOS)


plain = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.text(max_size=20), st.binary(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "NSExtension", "UIApplicationExitsOnSuspend"]), plain))
def test_whatever_stands_in_it_is_told_in_words(plist: dict[str, Any]) -> None:
    for one in findings(plist, IOS):
        assert one.what
        assert len(one.what) < 300
        assert set(one.to_json()) == {"level", "key", "what", "why", "fix"}


def test_a_list_within_lists_is_no_trouble() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert bad(**{IDS: deep})[0].level == "error"
    while deep:
        deep = deep.pop()
