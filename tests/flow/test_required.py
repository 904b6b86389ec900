"""A plugin that the configuration requires and that does not load: its handlers are not merely unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from bgo import TaskFlow
from bgo.config import load
from bgo.errors import ConfigError


def test_a_handler_of_a_broken_required_plugin_is_a_matter_of_configuration(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("raise ValueError('broken')\n")
    (tmp_path / "config.toml").write_text('[plugins]\npaths = ["bad.py"]\nrequired = ["bad.py"]\n')
    with TaskFlow(settings=load(env={"BGO_HOME": str(tmp_path)})) as flow:
        for verb in (lambda: flow.enqueue("mine"), lambda: flow.enqueue("echo"), flow.run):
            with pytest.raises(ConfigError) as refused:
                verb()
            assert "bad.py did not load" in refused.value.message
            assert "broken" in refused.value.why
