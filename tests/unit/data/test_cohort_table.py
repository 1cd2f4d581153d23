"""The table of a folder's files lies with the store, decides nothing of it, and says what was doubtful."""

from __future__ import annotations

import shutil
from dataclasses import replace

import nibabel
import numpy as np
import pytest

from neuromf.data.cache import folder_latents, scan_latents
from neuromf.data.cohort import discover_scans, select_scans
from neuromf.data.cohort_table import COHORT_FILE, cohort_table, read_cohort, write_cohort
from neuromf.data.latents import encode_cohort, open_latents
from neuromf.data.store_settings import StoreSettings
from neuromf.errors import InputError
from neuromf.nets.vae import load_vae
from neuromf.nets.vae_checkpoint import save_vae

DATA = np.random.default_rng(0).random((32, 36, 32)).astype(np.float32)


def save(path, *, mirrored=False):
    image = nibabel.Nifti1Image(DATA, None)
    affine = np.diag([6.0, 6, 6, 1])
    image.header.set_qform(affine, 1)
    image.header.set_sform(affine @ np.diag([-1.0 if mirrored else 1, 1, 1, 1]), 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)


@pytest.fixture
def root(tmp_path):
    """Two scans, one of them with two orientations, and a mask."""
    save(tmp_path / "in" / "sub-01_ses-a_T1w.nii.gz")
    save(tmp_path / "in" / "sub-02_T1w.nii.gz", mirrored=True)
    save(tmp_path / "in" / "sub-02_mask.nii.gz")
    return tmp_path / "in"


@pytest.fixture
def codec_file(tmp_path, codec):
    """The small codec as a file."""
    save_vae(tmp_path / "vae.safetensors", codec._network, codec.architecture, codec.scale_factor)
    return str(tmp_path / "vae.safetensors")


def test_a_store_keeps_what_its_folder_offered(root, tmp_path, preprocessing, codec, split):
    """Every file is in the table, with its subject, how that was found, and the reason it was left out."""
    store = encode_cohort(root, tmp_path / "out", StoreSettings(preprocessing, codec, **split))
    table = read_cohort(store.path / COHORT_FILE)
    assert list(table["include"]) == [True, True, False]
    first, second, left = (row for _, row in table.iterrows())
    assert (first["scan_id"], first["subject"], first["session"]) == ("sub-01_ses-a_T1w", "sub-01", "ses-a")
    assert (first["subject_from"], first["modality"], first["reason"]) == ("BIDS name", "T1w", "")
    assert first["path"] == str(root / "sub-01_ses-a_T1w.nii.gz")
    assert "sform says LAS, the qform RAS" in second["notes"]
    assert (left["reason"], left["notes"]) == ("its name says label map", "")


def test_the_table_decides_nothing_of_the_store(root, tmp_path, preprocessing, codec, split):
    """A file that is left out changes the table and neither the manifest nor the content hash."""
    with_mask = encode_cohort(root, tmp_path / "a", StoreSettings(preprocessing, codec, **split))
    (root / "sub-02_mask.nii.gz").unlink()
    without = encode_cohort(root, tmp_path / "b", StoreSettings(preprocessing, codec, **split))
    assert with_mask.description.content_hash == without.description.content_hash
    assert (tmp_path / "a" / "manifest.csv").read_bytes() == (tmp_path / "b" / "manifest.csv").read_bytes()
    assert len(read_cohort(tmp_path / "a" / COHORT_FILE)) == 3
    (tmp_path / "a" / COHORT_FILE).unlink()
    assert open_latents(tmp_path / "a").description == without.description


def test_the_selection_is_printed_before_the_first_scan_is_encoded(
    root, tmp_path, preprocessing, codec_file, monkeypatch
):
    """Counts, the reason and the contradicting orientation come first, and only when something is encoded."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    seen = []

    def ask():
        return folder_latents(
            root, StoreSettings(preprocessing, load_vae(codec_file), (1.0, 0.0, 0.0), 0),
            on_progress=lambda done, total: seen.append(f"{done} of {total}"), tell=seen.append,
        ).path  # fmt: skip

    store = ask()
    assert seen[0].startswith("2 scans of 2 subjects taken from ")
    assert seen[1].startswith("1 file left out, its name says label map (first sub-02_mask.nii.gz)")
    assert "1 scan with a doubtful header" in seen[2]
    assert "sub-02_T1w.nii.gz: the sform says LAS" in seen[2]
    assert seen[3:] == ["1 of 2", "2 of 2"]
    assert len(read_cohort(store / COHORT_FILE)) == 3
    ask()
    assert len(seen) == 5


@pytest.mark.law("DATA-007")
def test_other_subjects_of_the_same_files_are_another_store(root, tmp_path, preprocessing, codec_file, monkeypatch):
    """A store that was made when each file was its own subject does not serve where scans of a person are joined."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    shutil.rmtree(root)
    for scan in ("OAS1_0001_MR1", "OAS1_0001_MR2", "OAS1_0002_MR1"):
        save(root / f"{scan}.nii.gz")

    settings = StoreSettings(preprocessing, load_vae(codec_file), (1.0, 0.0, 0.0), 0)
    now = folder_latents(root, settings)
    assert list(now.manifest["subject"]) == ["OAS1_0001", "OAS1_0001", "OAS1_0002"]
    alone = [replace(scan, subject=scan.scan_id) for scan in discover_scans(root)]
    assert scan_latents(alone, settings).path != now.path


def test_a_table_survives_being_written_and_read(root, tmp_path):
    """What is read is what was written, commas and empty cells too."""
    save(root / "sub-03, second_T1w.nii.gz")
    table = cohort_table(select_scans(root))
    write_cohort(tmp_path / "cohort.csv", table)
    assert read_cohort(tmp_path / "cohort.csv").equals(table)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("include", "included", "include"),
        (",True,", ",perhaps,", "include"),
        (",False,its name says label map", ",False,", "reason"),
        ("sub-02_T1w,sub-02", "sub-01_ses-a_T1w,sub-02", "differ"),
    ],
)
def test_a_table_that_breaks_its_rules_is_refused(root, tmp_path, old, new, words):
    """A missing column, a word for a truth value, no reason and a second use of an id are each an InputError."""
    write_cohort(tmp_path / "cohort.csv", cohort_table(select_scans(root)))
    text = (tmp_path / "cohort.csv").read_text()
    assert old in text
    (tmp_path / "cohort.csv").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=words) as caught:
        read_cohort(tmp_path / "cohort.csv")
    assert caught.value.file == str(tmp_path / "cohort.csv")
