"""The gate opens what a training would open: scans, autoencoder, encoded latents."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import neuromf.cli.smoke_training
import neuromf.gate.scale
from neuromf.config import load_config
from neuromf.errors import InputError
from neuromf.gate.scale import small_scale
from neuromf.gate.smoke import run_smoke
from neuromf.gate.smoke_latents import DEMO, smoke_latents
from neuromf.nets.vae_checkpoint import DEMO_WEIGHTS
from neuromf.training.latents import store as latents
from neuromf.training.latents.store import encoded_store, training_store
from tests.support.bad_scans import BAD, write_bad, write_good
from tests.support.command_line import run_command

SCALE = ("data.spacing_mm=6.0", "unet.channels=[8,16]", "unet.attention_levels=[false,false]", "unet.head_channels=8")


def own(root, *overrides):
    """Overrides of `smoke` for the scans below a folder."""
    return ["data.source=folder", f"data.root={root}", *SCALE, *overrides]


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch, tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def gate(monkeypatch, capsys, tmp_path):
    """Run the whole gate on `smoke` without its training; give how it ended and its verdict."""
    monkeypatch.setattr(neuromf.cli.smoke_training, "smoke_training", lambda candidate: None)

    def run(*overrides, options=(), recipe="smoke"):
        file = tmp_path / "verdict.json"
        sets = [part for override in overrides for part in ("--set", override)]
        ended = run_command(monkeypatch, capsys, "gate", recipe, *sets, "--json", file, *options)
        return ended, json.loads(file.read_text()) if file.exists() else None

    return run


def detail(verdict, law_id):
    """What the gate prints as the reason of a law, before a table breaks its lines."""
    return next(law["detail"] for law in verdict["laws"] if law["law_id"] == law_id)


@pytest.mark.law("DATA-004")
def test_every_unusable_file_blocks_the_gate_and_is_named(gate, tmp_path):
    """A user with nine bad files learns of nine, with reason and remedy, in one turn."""
    write_good(tmp_path / "scans", 4)
    paths = write_bad(tmp_path / "scans")
    ended, verdict = gate(*own(tmp_path / "scans"), options=("--report", tmp_path / "page.html"))
    assert (ended.returncode, verdict["blocked"]) == (1, ["DATA-004"])
    assert [bad["file"] for bad in verdict["inputs"]["bad_scans"]] == [str(path) for path in paths.values()]
    page = (tmp_path / "page.html").read_text()
    for bad, (_, words) in zip(verdict["inputs"]["bad_scans"], BAD.values(), strict=True):
        assert words in bad["problem"]
        assert bad["remedy"]
        assert bad["file"] in page
    assert "9 of 13" in " ".join(ended.stdout.split())


def test_the_terminal_names_ten_and_counts_the_rest(gate, tmp_path):
    """Of 18 bad files ten are printed and eight counted; the JSON has all."""
    write_good(tmp_path / "scans", 4)
    write_bad(tmp_path / "scans")
    write_bad(tmp_path / "scans", first=201)
    ended, verdict = gate(*own(tmp_path / "scans"))
    assert len(verdict["inputs"]["bad_scans"]) == 18
    printed = detail(verdict, "DATA-004")
    assert printed.count("_T1w.nii.gz (") == 10
    assert "and 8 more" in printed
    assert "--json FILE and --report FILE name all 18 of the bad scans" in ended.stdout


def test_a_good_cohort_passes_and_is_said_to_have_been_read(gate, tmp_path):
    """What was opened is told: how many headers, and the voxels of how many."""
    write_good(tmp_path / "scans", 4)
    ended, verdict = gate(*own(tmp_path / "scans"))
    assert (ended.returncode, verdict["status"], verdict["inputs"]) == (0, "PASS", {"bad_scans": []})
    assert "scans: 4 in" in ended.stdout
    assert "2 laws hold of scans and autoencoder: DATA-004, DATA-005" in ended.stdout


@pytest.mark.law("DATA-005")
def test_own_scans_without_their_autoencoder_block_the_gate(gate, tmp_path):
    """A bad scan and a missing autoencoder are told in one turn."""
    write_good(tmp_path / "scans", 4)
    write_bad(tmp_path / "scans")
    ended, verdict = gate(*own(tmp_path / "scans", "vae.checkpoint=nowhere.pt"))
    assert ended.returncode == 1
    assert verdict["blocked"] == ["DATA-004", "DATA-005"]
    assert "nowhere.pt" in detail(verdict, "DATA-005")


@pytest.mark.law("DATA-005")
def test_an_autoencoder_of_another_shape_blocks_own_scans(gate, monkeypatch, tmp_path):
    """It loads, and would give latents that the network cannot read."""
    from neuromf.nets.vae_architecture import VaeArchitecture, build_vae
    from neuromf.nets.vae_checkpoint import save_vae

    write_good(tmp_path / "scans", 4)
    flat = VaeArchitecture(num_channels=(8, 8), num_res_blocks=(1, 1), norm_num_groups=4)
    save_vae(tmp_path / "flat.safetensors", build_vae(flat), flat, 1.0)
    ended, verdict = gate(*own(tmp_path / "scans", f"vae.checkpoint={tmp_path / 'flat.safetensors'}"))
    assert (ended.returncode, verdict["blocked"]) == (1, ["DATA-005"])
    assert "4 channels at stride 2, not 4 at 4" in detail(verdict, "DATA-005")


def test_the_demo_cohort_without_an_autoencoder_passes_with_a_line(gate):
    """The default gate of a plain clone passes, and says what a training would miss."""
    ended, verdict = gate(recipe="recommended")
    assert (ended.returncode, verdict["blocked"], verdict["warned"]) == (0, [], [])
    assert "autoencoder_v2.pt: there is no such autoencoder file; the demo autoencoder stands in" in ended.stdout
    assert len(verdict["notes"]) == 1


def test_the_static_gate_says_that_it_opened_nothing(gate, tmp_path):
    """It passes a folder of bad scans, and does not hide why."""
    write_bad(tmp_path / "scans")
    ended, verdict = gate(*own(tmp_path / "scans"), options=("--static",))
    assert (ended.returncode, verdict["inputs"]) == (0, None)
    assert "scans and autoencoder were not opened" in ended.stdout


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_without_scans_stays_bad_input(gate, tmp_path, make):
    """Exit code 2 with a sentence, whether it is empty or not there."""
    if make:
        (tmp_path / "scans").mkdir()
    ended, verdict = gate(*own(tmp_path / "scans"))
    assert (ended.returncode, verdict) == (2, None)


def loaded(root, *overrides):
    return load_config(["smoke"], own(root, *overrides))


def test_latents_are_taken_from_the_users_own_where_they_are_encoded(tmp_path):
    """The smoke training reads the middle of latents that an earlier run left in the cache."""
    write_good(tmp_path / "scans", 5)
    config = loaded(tmp_path / "scans", "data.shape=[96,80,64]")
    store = training_store(config)
    chosen = smoke_latents(config, small_scale(config), lambda done, total: None)
    assert chosen.training.shape[1:] == (4, 16, 16, 16)
    assert chosen.config.latent_shape == (4, 16, 16, 16)
    assert torch.equal(chosen.training, store.split("train")[:, :, 4:20, 2:18, 0:16])
    assert chosen.origin == f"{len(chosen.training)} of your own latents, the middle 16x16x16 cells of each"


def test_latents_of_heads_in_parts_are_pictured_whole(tmp_path):
    """Five parts divide the 20 cells of a head, and not the 16 of its middle."""
    write_good(tmp_path / "scans", 5)
    config = loaded(tmp_path / "scans", "data.shape=[96,80,64]", "vae.num_splits=5")
    training_store(config)
    chosen = smoke_latents(config, small_scale(config), lambda done, total: None)
    assert chosen.picture(chosen.training).shape == (64, 64)


def test_small_latents_are_cut_to_what_the_net_can_halve(tmp_path):
    """An axis of 13 cells gives 12."""
    write_good(tmp_path / "scans", 4)
    config = loaded(tmp_path / "scans", "data.shape=[64,56,32]")
    training_store(config)
    chosen = smoke_latents(config, small_scale(config), lambda done, total: None)
    assert chosen.training.shape[1:] == chosen.config.latent_shape == (4, 16, 12, 8)


def test_scans_not_encoded_yet_are_replaced_by_the_demo_cohort(tmp_path, monkeypatch):
    """Nothing of the user's is encoded by the gate."""
    write_good(tmp_path / "scans", 4)
    config = loaded(tmp_path / "scans")
    monkeypatch.setitem(neuromf.gate.scale.SCALED_SECTIONS["data"], "demo_subjects", 3)
    chosen = smoke_latents(config, small_scale(config), lambda done, total: None)
    assert chosen.origin == f"{DEMO}, because your own scans are not encoded yet"
    assert encoded_store(config) is None


def test_an_altered_latent_leaves_the_demo_cohort(tmp_path, monkeypatch):
    """A latent that is not what the manifest says is not trained on, and the reason is told."""
    write_good(tmp_path / "scans", 4)
    config = loaded(tmp_path / "scans")
    for file in (training_store(config).path / "scans").iterdir():
        save_file({"latent": load_file(file)["latent"] + 1}, file)
    monkeypatch.setitem(neuromf.gate.scale.SCALED_SECTIONS["data"], "demo_subjects", 3)
    chosen = smoke_latents(config, small_scale(config), lambda done, total: None)
    assert "your own cannot be used (the file differs from its sha256" in chosen.origin


def test_a_store_that_lost_a_latent_is_not_taken(tmp_path):
    """What a training would encode again is not encoded."""
    write_good(tmp_path / "scans", 4)
    config = loaded(tmp_path / "scans")
    folder = training_store(config).path
    assert encoded_store(config).path == folder
    next((folder / "scans").iterdir()).unlink()
    assert encoded_store(config) is None


def test_the_smoke_training_uses_own_latents_and_judges_all(tmp_path, monkeypatch):
    """Laws are judged live on them, DATA-001 on all latents as they are; a codec of one's own decodes no picture."""
    write_good(tmp_path / "scans", 5)
    shutil.copy(DEMO_WEIGHTS, tmp_path / "own.safetensors")
    config = loaded(tmp_path / "scans", f"vae.checkpoint={tmp_path / 'own.safetensors'}", "data.shape=[64,64,80]")
    training_store(config)
    monkeypatch.setattr(neuromf.gate.scale, "STEPS", 2)
    run = run_smoke(config, {})
    judged = {result.law_id: result for result in run.results}
    assert judged["DATA-001"].status == judged["PRED-002"].status == "pass"
    assert "of your own latents" in run.summary["latents"]
    assert run.pictured == "first channel of the latent"
    assert run.real.shape == run.generated.shape == (16, 16)


@pytest.mark.law("DATA-004")
def test_a_training_names_every_bad_scan_before_it_encodes_one(tmp_path, monkeypatch):
    """One sentence names all nine; no scan was encoded for it."""
    write_good(tmp_path / "scans", 4)
    write_bad(tmp_path / "scans")
    monkeypatch.setattr(latents, "scan_latents", lambda *_, **__: pytest.fail("encoded"))
    with pytest.raises(InputError, match="9 of 13 scans cannot be used") as caught:
        training_store(loaded(tmp_path / "scans"))
    for _, words in BAD.values():
        assert words in str(caught.value)


def test_a_training_on_encoded_scans_does_not_look_at_them_again(tmp_path, monkeypatch):
    """Latents that are in the cache were read from these very files."""
    write_good(tmp_path / "scans", 4)
    config = loaded(tmp_path / "scans")
    training_store(config)
    monkeypatch.setattr(latents, "examine_scans", lambda *_, **__: pytest.fail("examined"))
    training_store(config)
