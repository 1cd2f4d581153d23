"""The whole gate as a user runs it: laws on paper, a short training on real MRI, the page."""

import json

from tests.support.command_line import run_command


def test_the_full_gate_trains_on_real_mri_and_passes_recommended(tmp_path, monkeypatch, capsys):
    """The default gate ends in PASS, with every runtime law judged live and a falling raw loss."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    outputs = ("--json", tmp_path / "out.json", "--report", tmp_path / "r.html")
    ended = run_command(monkeypatch, capsys, "gate", *outputs)

    verdict = json.loads((tmp_path / "out.json").read_text())
    live = {result["law_id"] for result in verdict["laws"] if result["where"] == "smoke"}
    assert (ended.returncode, verdict["status"], verdict["warned"]) == (0, "PASS", [])
    named = {
        "PRED-002",
        "JVP-003",
        "JVP-005",
        "JVP-006",
        "LR-002",
        "EMA-001",
        "OBS-001",
        "OPT-002",
        "TIME-001",
        "TIME-004",
    }
    assert named <= live
    assert verdict["smoke"]["last"]["raw_total"] < 0.7 * verdict["smoke"]["first"]["raw_total"]
    assert "PASS recommended" in ended.stdout
    assert (tmp_path / "r.html").read_text().count("<svg") == 4
