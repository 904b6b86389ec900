"""Names that try to mean something to a shell, to cron, to systemd or to XML."""

from __future__ import annotations

from hypothesis import strategies as st

HOSTILE = (
    "plain",
    "two words",
    "100%",
    "%h %% \\%",
    "$HOME ${HOME} $$",
    'it\'s "quoted"',
    "back\\slash \\\\ \\\\\\",
    "\\",
    "`id` $(id); & | > < * ? [a] {a,b} ! # ~",
    "ünïcödé 日本語 🙂",
    " lead and trail ",
    "&amp; <!-- -->",
    "-n --store",
    "a=b",
)
WORDS = st.text(st.sampled_from("ab %\\'\"$`{}()<>&;#~!*?[]=-ü🙂/"), max_size=12)
"""Short words of such characters."""
