"""`neuromf gate --facts`: exit codes, what is printed and the JSON."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import run_command
from tests.unit.facts.public_code_files import checkout

FACTS = "time_scale: 1.0\nderivative: exact\nbatch_size: 256\ndata_proportion: 0.75\nr_mu: -4.0\n"
BLOCKED = "time_scale: 1000.0\nderivative: forward\n"


@pytest.fixture
def gate(monkeypatch, capsys, tmp_path):
    """Run the gate in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_command(monkeypatch, capsys, "gate", *arguments)


def write(name, text):
    Path(name).write_text(text, encoding="utf-8")
    return name


@pytest.mark.parametrize(
    ("text", "code"), [(FACTS, 0), (BLOCKED, 1), ("norm_pp: 1.0\n", 2), ("latent_dims: 10\n", 2), ("", 2)]
)
def test_the_exit_code_is_that_of_the_gate(gate, text, code):
    """0 for PASS, 1 for BLOCKED, 2 for a file that is no facts or says too little for any law."""
    found = gate("--facts", write("a.yaml", text))
    assert found.returncode == code
    assert (found.stderr == "") == (code != 2)
    assert len(found.stderr.splitlines()) == (1 if code == 2 else 0)


def test_what_is_not_judged_and_not_understood_is_printed(gate, tmp_path):
    """A law that lacks facts names them, and a key that no fact is made from is named."""
    main = checkout(tmp_path)
    main.write_text(main.read_text() + "strange: 3\n")
    printed = gate("--facts", str(main)).stdout
    assert "LR-003 is not judged without optimiser_steps" in printed
    assert "not understood: strange" in printed
    assert "Merged as train.py" in printed


def test_several_files_are_layers(gate, tmp_path):
    """The option is given once for each file, and a file of facts lies over the others."""
    checkout(tmp_path)
    write("more.yaml", "optimiser_steps: 5000\ntime_scale: 1.0\n")
    plain = gate("--facts", "configs/train_meanflow.yaml", "--facts", "difference.yaml")
    more = gate("--facts", "configs/train_meanflow.yaml", "--facts", "difference.yaml", "--facts", "more.yaml")
    assert (plain.returncode, more.returncode) == (1, 0)
    assert "LR-003 is not judged" not in more.stdout


def test_the_json_holds_the_verdict_and_what_it_rests_on(gate):
    """Facts, their origin, laws, what is not judged and what would pass, as JSON."""
    gate("--facts", write("a.yaml", FACTS + "prediction: u\nclamp_t_min: null\nmu: -0.4\n"), "--json", "out.json")
    document = json.loads(Path("out.json").read_text())
    assert (document["status"], document["blocked"], document["warned"]) == ("PASS", [], [])
    assert (document["known"]["batch_size"], document["known"]["clamp_t_min"]) == (256, None)
    assert document["origin"]["batch_size"] == "a.yaml"
    assert document["not_judged"]["TIME-005"] == ["sigma", "uniform_fraction", "r_sigma", "time_order"]
    assert {law["law_id"] for law in document["laws"]}.isdisjoint(document["not_judged"])
    assert document["not_understood"] == []


def test_no_json_is_written_for_a_file_that_is_refused(gate):
    """What stands there from before stays as it is."""
    write("out.json", "old")
    assert gate("--facts", write("a.yaml", "norm_pp: 1\n"), "--json", "out.json").returncode == 2
    assert Path("out.json").read_text() == "old"


def test_the_verdict_does_not_overwrite_what_it_judges(gate):
    """--json on a file of facts is refused, whichever of several it is."""
    write("a.yaml", FACTS)
    write("b.yaml", "norm_p: 1.0\n")
    assert gate("--facts", "a.yaml", "--facts", "b.yaml", "--json", "b.yaml").returncode == 2
    assert Path("b.yaml").read_text() == "norm_p: 1.0\n"


@pytest.mark.parametrize(
    "more", [("recommended",), ("--set", "a=1"), ("--junit", "a.xml"), ("--sarif", "a"), ("--each",)]
)
def test_options_of_our_own_configuration_are_refused(gate, more):
    """They say nothing of another code's training."""
    found = gate("--facts", write("a.yaml", FACTS), *more)
    assert (found.returncode, "--facts" in found.stderr) == (2, True)


def test_an_importer_without_a_file_of_facts_is_refused(gate):
    """It would say nothing of the configuration that the gate then judged."""
    found = gate("--static", "--importer", "py-meanflow")
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == "neuromf: --importer: needs --facts; add the file that it reads.\n"


def test_an_unknown_importer_ends_with_the_names_of_those_there_are(gate):
    """As one sentence."""
    found = gate("--facts", write("a.yaml", FACTS), "--importer", "nobody")
    assert found.returncode == 2
    assert "public-code, py-meanflow, meanflow-jax" in found.stderr


@pytest.mark.parametrize("arguments", [("gate", "--static"), ("gate", "--facts", "a.yaml")])
def test_neither_torch_nor_omegaconf_is_imported_without_need(tmp_path, arguments):
    """The static gate and a file of facts need neither; only another code's layers need the second."""
    (tmp_path / "a.yaml").write_text(FACTS)
    code = (
        "import sys\nfrom neuromf.cli.app import main\ntry:\n    main()\nfinally:\n"
        "    print(sorted({'torch', 'numpy', 'omegaconf'} & set(sys.modules)), file=sys.stderr)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=False, cwd=tmp_path, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr.strip()) == (0, "[]")
