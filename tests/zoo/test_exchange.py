import os
import sys

import pytest

from zoo.exchange import exchange


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="the system cannot")
def test_folders_change_places(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert exchange(tmp_path / "one", tmp_path / "other")
    assert os.listdir(tmp_path / "one") == ["other"]
    assert os.listdir(tmp_path / "other") == ["one"]


def test_what_is_missing_changes_nothing(tmp_path):
    (tmp_path / "one").mkdir()
    assert not exchange(tmp_path / "one", tmp_path / "other")
    assert os.listdir(tmp_path) == ["one"]


def test_other_systems_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert not exchange(tmp_path, tmp_path)
