"""The commands as a user types them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nibabel
import pytest
from matplotlib.image import imread

from neuromf.config import load_config
from neuromf.gate.result import format_value
from neuromf.gate.static import static_findings
from tests.support.command_line import run_command
from tests.support.tiny_run import SCALE, allow_blocked

TINY = (
    *SCALE,
    "training.epochs=1",
    "training.micro_batches_per_epoch=4",
    "training.batch_size_per_gpu=4",
    "training.gradient_accumulation_steps=2",
)
TINY_OPTIONS = allow_blocked(*TINY)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def neuromf(monkeypatch, capsys, cache):
    """Run the command in this process; returns exit code, output and error output."""
    monkeypatch.setenv("NEUROMF_CACHE", str(cache))

    def call(*arguments: object) -> tuple[int, str, str]:
        ended = run_command(monkeypatch, capsys, *arguments)
        return ended.returncode, ended.stdout, ended.stderr

    return call


def test_failed_225_is_blocked_in_a_second_without_torch(tmp_path):
    """The static gate names every law the lost run breaks, with value, bound and remedy, in 1.0 s of a processor."""
    out = tmp_path / "out.json"
    command = [sys.executable, "-X", "importtime", "-m", "neuromf", "gate", "failed_225", "--static", "--json", out]
    # So that byte code exists, as after an installation, whatever this session may write beside the sources.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = kept | {"PYTHONPYCACHEPREFIX": str(tmp_path / "compiled")}
    subprocess.run(command, capture_output=True, check=False, env=environment)

    start = os.times()  # processor time: by the clock, the test's neighbours would be measured too
    plain = [c for c in command if c not in ("-X", "importtime")]
    done = subprocess.run(plain, capture_output=True, check=False, env=environment)
    end = os.times()
    seconds = end.children_user - start.children_user + end.children_system - start.children_system
    modules = subprocess.run(command, capture_output=True, text=True, check=False).stderr

    assert done.returncode == 1
    assert seconds <= 1.0
    assert not any(f" {name}\n" in modules for name in ("torch", "numpy", "scipy", "monai"))
    verdict = json.loads(out.read_text())
    laws = {result["law_id"]: result for result in verdict["laws"]}
    assert verdict["blocked"] == ["JVP-003", "JVP-005", "WGT-002", "GUARD-001"]
    assert verdict["policy"] == ["WGT-002", "GUARD-001"]
    broken = [result for result in laws.values() if result["remedy"]]
    assert {"LR-003", "OPT-001", "TIME-004", "TIME-006", "WGT-005", "BATCH-001", "EMA-002"} <= set(laws)
    assert all(r["value"] != "" and r["bound"] and r["passing_value"] for r in broken)
    assert laws["LR-003"]["value"] == pytest.approx(74.07, abs=0.005)
    assert "1000" in laws["OPT-001"]["detail"]
    assert "sampler 0.001, clamp 0.05" in laws["TIME-004"]["detail"]
    assert "effective batch 16" in laws["BATCH-001"]["detail"]


def test_phase4c_passes_with_its_warnings_named(neuromf):
    """The corrected configuration is not blocked; the EMA and the one-step query are warned about."""
    code, out, _ = neuromf("gate", "phase4c", "--static")

    assert code == 0
    assert "warnings: TIME-005, EMA-002" in " ".join(out.split())


@pytest.mark.parametrize("steps", [100, 150, 200])
def test_phase4c_with_the_review_s_other_warm_up_is_not_blocked(neuromf, steps):
    """The review's E5, a warm-up of 100 to 200 steps, passes too."""
    assert neuromf("gate", "phase4c", "--static", "--set", f"training.warmup_steps={steps}")[0] == 0


def test_following_every_remedy_of_failed_225_ends_in_pass(neuromf, tmp_path):
    """The values the gate says would pass do pass, together."""
    neuromf("gate", "failed_225", "--static", "--json", tmp_path / "out.json")
    laws = json.loads((tmp_path / "out.json").read_text())["laws"]
    overrides = [
        o for law in laws if law["status"] in ("block", "policy", "warn") for o in law["passing_value"].split()
    ]

    code, _, _ = neuromf("gate", "failed_225", "--static", *[p for o in overrides for p in ("--set", o)])

    assert code == 0


def test_the_gate_writes_junit_and_a_page(neuromf, tmp_path):
    """JUnit counts a failure for each law that refuses the launch; the page names each law and loads nothing."""
    neuromf("gate", "failed_225", "--static", "--junit", tmp_path / "j.xml", "--report", tmp_path / "r.html")

    suite = ElementTree.parse(tmp_path / "j.xml").getroot()
    page = (tmp_path / "r.html").read_text()

    assert len(suite.findall("testcase/failure")) == int(suite.attrib["failures"]) == 4
    assert "LR-003" in page
    assert re.findall(r"(?:src|href)\s*=\s*[\"']?(?!data:|#)|@import|url\(", page) == []
    assert "default-src 'none'" in page


def test_train_then_sample_yields_volumes_and_a_montage(neuromf, tmp_path):
    """A trained run is sampled to NIfTI volumes that nibabel opens and a PNG montage."""
    run = tmp_path / "run"
    trained, out, _ = neuromf("train", "smoke", "--out", run, *TINY_OPTIONS)
    sampled, _, _ = neuromf("sample", run, "--steps", "2", "--n", "2")

    assert (trained, sampled) == (0, 0)
    assert "finished after 2 optimiser steps" in out
    volumes = [nibabel.load(path) for path in sorted((run / "samples").glob("*.nii.gz"))]
    assert [volume.shape for volume in volumes] == [(32, 32, 32)] * 2
    assert nibabel.aff2axcodes(volumes[0].affine) == ("R", "A", "S")
    assert volumes[0].header.get_zooms() == pytest.approx((6.0, 6.0, 6.0))
    assert imread(run / "samples" / "montage.png").std() > 0

    # Another net's configuration beside the weights: a sentence, not the traceback of a shape.
    recorded = run / "config.yaml"
    recorded.write_text(recorded.read_text().replace("unet.channels: [8, 16]", "unet.channels: [16, 16]"))
    code, _, err = neuromf("sample", run, "--out", tmp_path / "none")
    assert (code, "another configuration" in err, (tmp_path / "none").exists()) == (2, True, False)


def test_train_resumes_where_it_was_paused(neuromf, tmp_path):
    """--max-steps pauses with a checkpoint and --resume finishes the run."""
    run = tmp_path / "run"
    _, paused, _ = neuromf("train", "smoke", "--out", run, *TINY_OPTIONS, "--max-steps", 1)
    code, out, _ = neuromf("train", "smoke", "--out", run, *TINY_OPTIONS, "--resume")

    assert "--resume" in paused
    assert (code, "finished after 2 optimiser steps" in out) == (0, True)


def test_a_halted_run_exits_with_16(neuromf, tmp_path):
    """An exploding training ends by itself with exit code 16 and names its checkpoint."""
    explode = ["--set", "training.learning_rate=30.0", "--set", "training.gradient_clip=null"]
    explode += ["--set", "meanflow.norm_p=0.0", "--set", "training.epochs=60"]

    code, out, _ = neuromf("train", "smoke", "--out", tmp_path / "run", *TINY_OPTIONS, *explode)

    assert code == 16
    assert "checkpoints" in out
    assert f"next: neuromf report {tmp_path / 'run'} --out report.html" in out


def _full_folder(tmp_path: Path) -> list[object]:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("keep")
    return ["train", "smoke", "--out", tmp_path / "run"]


def _output_over_configuration(tmp_path: Path) -> list[object]:
    (tmp_path / "run.yaml").write_text("extends: smoke\n")
    return ["gate", tmp_path / "run.yaml", "--static", "--json", tmp_path / "run.yaml"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (lambda p: ["gate", "nothing"], "neither a recipe nor a file"),
        (lambda p: ["gate", "smoke", "--static", "--set", "training.epoch=3"], "did you mean 'epochs'"),
        (lambda p: ["gate", "smoke", "--static", "--json", p / "no" / "out.json"], "folder that exists"),
        (_full_folder, "already holds"),
        (_output_over_configuration, "overwritten"),
        (lambda p: ["gate", "smoke", "--static", "--set", "training.epochs=!!bool x"], "--set"),
        (lambda p: ["gate", "smoke", "--static", "--set", "training.epochs=9999999999"], "training.epochs"),
        (lambda p: ["gate", "smoke", "--static", "--set", "training.epochs=" + "[" * 900 + "]" * 900], "nesting"),
        (lambda p: ["sample", p / "none"], "holds no run"),
        (lambda p: ["train", "smoke", "--out", p / "r", "--device", "quantum"], "quantum"),
        (lambda p: ["train", "recommended", "--out", p / "r", "--device", "cpu"], "autoencoder_v2.pt"),
        (lambda p: ["data", "demo", "--out", p / "c", "--subjects", "0"], "subjects"),
        (lambda p: ["data", "demo", "--out", p / "c", "--subjects", "9" * 20], "subjects"),
        (lambda p: ["train", "smoke", "--out", p / "r", "--max-steps", "-1"], "max-steps"),
        (lambda p: ["gate", "smoke", "--unknown"], "unknown"),
    ],
)
def test_bad_input_exits_with_2_and_writes_nothing(neuromf, tmp_path, arguments, words):
    """Nonsense gets one clear message and exit code 2; what was there stays as it was."""
    typed = arguments(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    code, _, err = neuromf(*typed)

    assert code == 2
    assert words in err
    assert "Traceback" not in err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_story_shows_what_the_gate_says_of_the_failed_run():
    """Every law that blocks failed_225 stands on its page with the value and the override that the gate prints."""
    readme = (Path(__file__).parents[2] / "docs/failed-run.md").read_text()
    results = static_findings(load_config(["failed_225"]), {})

    for result in (r for r in results if r.status == "block"):
        row = next(line for line in readme.splitlines() if line.startswith(f"| **{result.law_id}**"))
        assert format_value(result.value) in row
        assert all(f"`{override}`" in row for override in result.passing_value.split())
