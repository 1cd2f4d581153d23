"""What a run's folder keeps of its latents."""

import json
import shutil

import pytest
import torch

from neuromf.data.record import Origin, read_record, real_latents, write_record
from neuromf.errors import InputError

ORIGIN = Origin("folder", "/cache/folder-1/latents", "folder-1/latents", "/weights/vae.pt")


@pytest.fixture
def kept(tmp_path, pristine_store):
    """The record of a store of three subjects, one of whom trains."""
    write_record(tmp_path / "latents", pristine_store, ORIGIN, (), real=8)
    return tmp_path / "latents"


def test_a_record_is_a_store_without_most_of_its_latents(kept, pristine_store):
    """Statistics, affine, shape and hash are those of the store; the latents kept are training ones, bit for bit."""
    record = read_record(kept)
    assert record.origin == ORIGIN
    assert record.store.description == pristine_store.description
    assert record.store.latent_shape == pristine_store.latent_shape
    assert torch.equal(real_latents(record.store, 8), pristine_store.split("train"))
    assert len(list((kept / "scans").iterdir())) == len(pristine_store.scan_ids("train")) == 1


def test_real_latents_may_be_deleted(kept):
    """A run whose latents must not travel is read all the same."""
    shutil.rmtree(kept / "scans")
    assert real_latents(read_record(kept).store, 8).shape == (0, 4, 8, 9, 8)


def test_a_damaged_real_latent_is_not_shown(kept):
    """It would stand beside the samples as what they are measured by."""
    (victim,) = (kept / "scans").iterdir()
    victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="sha256"):
        real_latents(read_record(kept).store, 8)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("origin.json", "{"),
        ("origin.json", "[" * 100_000),
        ("origin.json", "[]"),
        ("origin.json", json.dumps({"version": 2})),
        ("origin.json", json.dumps({"version": 1, "source": "folder"})),
        ("origin.json", json.dumps({"version": 1, "source": 1, "store": "", "in_cache": "", "autoencoder": ""})),
        ("manifest.csv", "scan_id\n"),
        ("store.json", "{}"),
        ("store.json", None),
    ],
)
def test_a_damaged_record_is_refused_with_the_file_s_name(kept, name, text):
    """One sentence, whichever file it is."""
    (kept / name).unlink()
    if text is not None:
        (kept / name).write_text(text)
    with pytest.raises(InputError) as caught:
        read_record(kept)
    assert str(kept / name) in caught.value.sentence
    assert "\n" not in caught.value.sentence
