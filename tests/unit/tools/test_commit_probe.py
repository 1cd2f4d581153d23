"""A step of a search among commits that fails itself says nothing of the commit."""

import pytest

from tools.bisect_commits import commit_probe


@pytest.mark.parametrize("failure", [ValueError("no trace"), OSError("no room"), AssertionError("a bug of ours")])
def test_a_probe_that_fails_blames_no_commit(monkeypatch, capsys, tmp_path, failure):
    """Git is told 125, to try another commit, and not 1, which would be that this one is broken."""

    def fail(*_, **__):
        raise failure

    monkeypatch.setattr(commit_probe.subprocess, "run", fail)
    assert commit_probe.judge("x_exact", tmp_path, tmp_path / "kept.csv") == commit_probe.UNTESTABLE == 125
    assert str(failure) in capsys.readouterr().err
