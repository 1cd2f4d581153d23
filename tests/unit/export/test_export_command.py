"""`neuromf export`: what it says, and what it refuses in a sentence."""

import json

import pytest

from tests.support.command_line import run_command


@pytest.fixture
def command(monkeypatch, capsys):
    """The command, in this process."""
    return lambda *arguments: run_command(monkeypatch, capsys, "export", *arguments)


def test_it_says_what_was_written_and_how_it_is_used(command, exported_run, tmp_path):
    """Two lines."""
    ended = command(exported_run, "--to", "safetensors", "--out", tmp_path / "new" / "w.safetensors")
    assert (ended.returncode, ended.stderr) == (0, "")
    first, second = ended.stdout.splitlines()
    assert first == f"{tmp_path / 'new' / 'w.safetensors'}: averaged weights of optimiser step 6"
    assert second.startswith("read it with safetensors.torch.load_file('w.safetensors')")


def test_a_bundle_says_how_monai_runs_it(command, exported_run, tmp_path):
    """From its own folder."""
    ended = command(exported_run, "--to", "monai-bundle", "--out", tmp_path / "heads")
    assert ended.stdout.splitlines()[1] == (
        f"run it with: cd {tmp_path / 'heads'} && python -m monai.bundle run --config_file configs/inference.json"
    )


@pytest.mark.parametrize("kind", ["safetensors", "torch-export", "monai-bundle"])
@pytest.mark.parametrize("there", ["a file", "a folder"])
def test_what_stands_there_is_not_written_over(command, exported_run, tmp_path, kind, there):
    """A file, or a folder that holds something; before the network is read."""
    out = tmp_path / "heads.safetensors"
    if there == "a folder":
        out.mkdir()
    mine = out / "mine.txt" if there == "a folder" else out
    mine.write_text("mine")
    ended = command(exported_run, "--to", kind, "--out", out)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"neuromf: {out}: the output already exists; choose another")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]
    assert mine.read_text() == "mine"


BAD = {
    "kind": (("--to", "onnx"), "--to: there is no 'onnx'; say one of safetensors, torch-export, monai-bundle."),
    "ending": (("--to", "safetensors", "--out", "w.pt"), "w.pt: --out: is no name of a file of safetensors; give"),
    "checkpoint": (("--checkpoint", "5"), "--checkpoint: there is no checkpoint '5'; of steps there are 6, 4; name"),
    "best": (("--checkpoint", "best"), "--checkpoint: holds no best checkpoint; train with"),
    "autoencoder": (("--vae", "nowhere.pt"), "nowhere.pt: there is no such autoencoder file; give"),
    "no use": (("--to", "torch-export", "--vae", "v.pt"), "v.pt: --vae: torch-export holds no autoencoder; leave"),
    "licence": (("--licence", "terms.txt"), "terms.txt: --licence: there is no such file; give the file"),
    "no licence": (("--licence", " "), "--licence: is empty; give"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_in_a_sentence(command, exported_run, tmp_path, monkeypatch, case):
    """Exit code 2 with file, key, value and remedy, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    arguments, said = BAD[case]
    ended = command(exported_run, "--to", "monai-bundle", "--out", "heads", *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_run_is_refused(command, tmp_path):
    """Naming it."""
    ended = command(tmp_path, "--to", "safetensors", "--out", tmp_path / "w.safetensors")
    assert ended.returncode == 2
    assert ended.stderr == f"neuromf: {tmp_path}: holds no run; give the --out of a `neuromf train`.\n"


def test_a_run_without_a_checkpoint_is_refused(command, exported_run, tmp_path):
    """As one that was ended before its first."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text((exported_run / "config.yaml").read_text())
    (run / "run.json").write_text(json.dumps({}))
    ended = command(run, "--to", "safetensors", "--out", tmp_path / "w.safetensors")
    assert ended.returncode == 2
    assert f"{run / 'checkpoints'}: holds no whole checkpoint; train first." in ended.stderr
