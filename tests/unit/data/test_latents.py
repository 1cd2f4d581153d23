"""The latent store: right values, whole or absent, and no damage goes unnoticed (DATA-001, DATA-002)."""

import dataclasses
import json
import math

import nibabel
import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from neuromf.data.cohort import discover_scans
from neuromf.data.content import file_sha256
from neuromf.data.latent_set import StoredLatents
from neuromf.data.latents import encode_cohort, open_latents
from neuromf.data.nifti import read_volume
from neuromf.data.preprocess import preprocess
from neuromf.data.splits import split_subjects
from neuromf.data.store_settings import StoreSettings
from neuromf.errors import InputError
from neuromf.nets.vae import LatentCodec
from neuromf.nets.vae_architecture import VaeArchitecture, build_vae


def test_raw_latent_is_the_encoded_scan(pristine_store, cohort, preprocessing, codec):
    """A stored latent is the posterior mean of the preprocessed scan, times the scale factor."""
    scan = discover_scans(cohort)[1]
    volume = preprocess(read_volume(scan.path), preprocessing)
    expected = codec.encode(torch.from_numpy(volume.data)[None, None])[0]
    assert torch.equal(pristine_store.raw(scan.scan_id), expected)
    assert pristine_store.latent_shape == tuple(expected.shape) == (4, 8, 9, 8)


def test_each_latent_carries_its_affine(pristine_store, cohort, preprocessing):
    """The header of a latent holds the affine of its preprocessed grid."""
    scan = discover_scans(cohort)[0]
    with safe_open(pristine_store.path / "scans" / f"{scan.scan_id}.safetensors", "pt") as file:
        stored = json.loads(file.metadata()["affine"])
    assert np.array_equal(stored, preprocess(read_volume(scan.path), preprocessing).affine)


@pytest.mark.law("DATA-001")
def test_training_split_is_standardised_by_itself(pristine_store):
    """Training latents have mean 0 and standard deviation 1 a channel, and the inverse restores the raw ones."""
    training = pristine_store.split("train")
    assert training.dtype == torch.float32
    assert training.mean((0, 2, 3, 4)).tolist() == pytest.approx([0] * 4, abs=1e-5)
    assert training.std((0, 2, 3, 4), correction=0).tolist() == pytest.approx([1] * 4, abs=1e-5)
    raw = torch.stack([pristine_store.raw(name) for name in pristine_store.scan_ids("train")])
    assert torch.allclose(pristine_store.statistics.denormalise(training), raw, atol=1e-5)


@pytest.mark.law("DATA-002")
def test_splits_hold_every_subject_once(pristine_store, split):
    """The manifest's splits are those of `split_subjects`, and together they hold every scan once."""
    manifest = pristine_store.manifest
    expected = split_subjects(manifest["subject"], split["split_ratios"], split["split_seed"])
    assert dict(zip(manifest["subject"], manifest["split"], strict=True)) == expected
    names = [name for part in ("train", "validation", "test") for name in pristine_store.scan_ids(part)]
    assert sorted(names) == sorted(manifest["scan_id"])
    assert [len(pristine_store.split(part)) for part in ("train", "validation", "test")] == [1, 1, 1]


def test_unknown_split_is_refused(pristine_store):
    """A split that does not exist is an InputError that lists those that do."""
    with pytest.raises(InputError, match="train, validation, test"):
        pristine_store.split("val")


def test_empty_split_is_an_empty_tensor(tmp_path, cohort, preprocessing, codec):
    """A split without subjects loads as a tensor of length zero with the latents' shape."""
    store = encode_cohort(cohort, tmp_path / "s", StoreSettings(preprocessing, codec, (1.0, 0.0, 0.0), 0))
    assert store.split("test").shape == (0, 4, 8, 9, 8)
    assert len(store.split("train")) == 3


def test_description_says_how_it_was_made(pristine_store, preprocessing, codec, split):
    """Preprocessing, codec, split and centred affine are recorded."""
    description = open_latents(pristine_store.path).description
    assert description == pristine_store.description
    assert description.preprocessing == preprocessing
    assert (description.codec_fingerprint, description.scale_factor) == (codec.fingerprint, 1.25)
    assert {"split_ratios": description.split_ratios, "split_seed": description.split_seed} == split
    middle = np.array(description.affine) @ [*((np.array(preprocessing.shape) - 1) / 2), 1]
    assert middle.tolist() == [0, 0, 0, 1]


def test_the_factor_of_unit_latents_is_recorded_and_follows_from_the_rest(store_folder, pristine_store, codec):
    """1 / std of the training split's raw latents, all channels together; a store without it is as whole."""
    raw = torch.stack([pristine_store.raw(scan) for scan in pristine_store.scan_ids("train")]) / codec.scale_factor
    facts = json.loads((store_folder / "store.json").read_text())
    assert facts["unit_scale_factor"] == pytest.approx(float(1 / raw.double().std(correction=0)), rel=1e-6)
    assert "clip_above" not in facts["preprocessing"]
    del facts["unit_scale_factor"]
    (store_folder / "store.json").write_text(json.dumps(facts))
    assert open_latents(store_folder).description == pristine_store.description


def test_a_store_says_whether_it_was_clipped_above(tmp_path, cohort, preprocessing, codec, split):
    """Its description comes back, its hash is another one, and what is no yes or no is refused."""
    open_above = dataclasses.replace(preprocessing, clip_above=False)
    store = encode_cohort(cohort, tmp_path / "latents", StoreSettings(open_above, codec, **split))
    assert open_latents(store.path).description.preprocessing == open_above
    path = store.path / "store.json"
    for wrong in ("true", '"no"'):
        path.write_text(path.read_text().replace('"clip_above": false', f'"clip_above": {wrong}'))
        with pytest.raises(InputError):
            open_latents(store.path)


def test_encoding_again_gives_the_same_store(tmp_path, cohort, preprocessing, codec, split, pristine_store):
    """The content hash is a function of scans, settings and codec."""
    again = encode_cohort(cohort, tmp_path / "s", StoreSettings(preprocessing, codec, **split))
    assert again.description.content_hash == pristine_store.description.content_hash


def flip_byte(path):
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def replace_latent(folder, tensor):
    """Put another tensor in place of a scan, with a manifest that vouches for it."""
    path = sorted((folder / "scans").iterdir())[0]
    old = file_sha256(path)
    save_file(tensor, path)
    edit(folder / "manifest.csv", old, file_sha256(path))


DAMAGES = [
    (lambda f: flip_byte(sorted((f / "scans").iterdir())[0]), "differs from its sha256"),
    (lambda f: sorted((f / "scans").iterdir())[0].unlink(), "missing"),
    (lambda f: replace_latent(f, {"latent": torch.full((4, 8, 9, 8), math.nan)}), "NaN"),
    (lambda f: replace_latent(f, {"latent": torch.zeros(4, 8, 8, 8)}), "of shape"),
    (lambda f: replace_latent(f, {"latent": torch.zeros(4, 8, 9, 8).half()}), "float16"),
    (lambda f: replace_latent(f, {"other": torch.zeros(4, 8, 9, 8)}), "cannot be read"),
    (lambda f: (f / "manifest.csv").unlink(), "no manifest"),
    (lambda f: (f / "store.json").unlink(), "no description"),
    (lambda f: edit(f / "store.json", "{", "["), "cannot be read"),
    (lambda f: edit(f / "store.json", '"schema_version": 1', '"schema_version": 99'), "schema version 99"),
    (lambda f: edit(f / "store.json", '"encoding"', '"coding"'), "cannot be read"),
    (lambda f: edit(f / "store.json", '"split_seed": 42', '"split_seed": 43'), "altered after encoding"),
    (lambda f: edit(f / "store.json", '"spacing_mm": 6.0', '"spacing_mm": -6.0'), "-6.0 mm"),
    (lambda f: edit(f / "store.json", '"mean": [\n      ', '"mean": [\n      9'), "not those of the training split"),
    (lambda f: edit(f / "manifest.csv", ",validation,", ",test,"), "altered after encoding"),
    (lambda f: edit(f / "manifest.csv", ",train,", ",test,"), "training"),
]


@pytest.mark.law("DATA-007")
@pytest.mark.parametrize(("damage", "words"), DAMAGES)
def test_every_damage_is_noticed(store_folder, damage, words):
    """Whatever is removed, altered or replaced in a store, opening it is an InputError that names the file."""
    damage(store_folder)
    with pytest.raises(InputError, match=words) as caught:
        open_latents(store_folder)
    assert str(store_folder) in str(caught.value.file)
    assert caught.value.remedy


def test_verification_can_be_left_out(store_folder):
    """Without verification latents are not read on opening."""
    flip_byte(sorted((store_folder / "scans").iterdir())[0])
    assert open_latents(store_folder, verify=False).latent_shape == (4, 8, 9, 8)


def test_missing_store_is_refused(tmp_path):
    """No folder is an InputError."""
    with pytest.raises(InputError, match="no such latent store"):
        open_latents(tmp_path / "none")


def test_bad_scan_is_named_and_leaves_nothing(tmp_path, preprocessing, codec, split):
    """One bad scan among good ones is an InputError that names it, and no half store appears."""
    data = np.random.default_rng(0).random((32, 36, 32)).astype(np.float32)
    (tmp_path / "in").mkdir()
    for name, value in (("a", 0.5), ("b", np.nan)):
        data[5, 5, 5] = value
        nibabel.save(nibabel.Nifti1Image(data, np.diag([6.0, 6, 6, 1])), tmp_path / "in" / f"{name}.nii.gz")
    with pytest.raises(InputError, match="NaN") as caught:
        encode_cohort(tmp_path / "in", tmp_path / "out", StoreSettings(preprocessing, codec, **split))
    assert caught.value.file == str(tmp_path / "in" / "b.nii.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_occupied_output_is_refused(cohort, store_folder, preprocessing, codec, split):
    """An existing store is never written over."""
    before = (store_folder / "store.json").read_bytes()
    with pytest.raises(InputError, match="already exists"):
        encode_cohort(cohort, store_folder, StoreSettings(preprocessing, codec, **split))
    assert (store_folder / "store.json").read_bytes() == before


def test_a_codec_of_other_channels_makes_a_store_of_them(tmp_path, cohort, preprocessing, split):
    """The manifest has a mean and a deviation of each channel, and what is read back has as many."""
    architecture = VaeArchitecture((4, 4, 4), (1, 1, 1), 2, latent_channels=3)
    codec = LatentCodec(build_vae(architecture), architecture, 1.0)
    store = encode_cohort(cohort, tmp_path / "s", StoreSettings(preprocessing, codec, **split))
    assert [name for name in store.manifest if name.startswith(("mean_", "std_"))] == [
        *(f"mean_{channel}" for channel in range(3)), *(f"std_{channel}" for channel in range(3)),
    ]  # fmt: skip
    assert store.latent_shape[0] == store.split("train").shape[1] == 3
    assert StoredLatents(store, "train").moments.shape[1] == 6


def test_codec_that_gives_nan_is_refused(tmp_path, cohort, preprocessing, split):
    """Non-finite latents are an InputError that names the scan."""
    architecture = VaeArchitecture((4, 4, 4), (1, 1, 1), 2)
    network = build_vae(architecture)
    torch.nn.init.constant_(next(network.encoder.parameters()), math.inf)
    codec = LatentCodec(network, architecture, 1.0)
    with pytest.raises(InputError, match="NaN or infinite") as caught:
        encode_cohort(cohort, tmp_path / "s", StoreSettings(preprocessing, codec, **split))
    assert "sub-0001_T1w.nii.gz" in caught.value.sentence
