"""What decides a latent decides the names under which it is kept: every argument, setting, weight and scan."""

from __future__ import annotations

import inspect
import os
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from neuromf.config import load_config
from neuromf.config.schema import DataConfig, VaeConfig
from neuromf.data import cache
from neuromf.data.cohort import Scan, discover_scans
from neuromf.data.splits import split_scans
from neuromf.data.store_settings import StoreSettings
from neuromf.nets.tiling import Tiling
from neuromf.nets.vae import LatentCodec
from neuromf.nets.vae_architecture import build_vae
from neuromf.nets.vae_source import VaeSource
from neuromf.training.latents import store

pytestmark = pytest.mark.law("DATA-007")

SOURCES = {
    "demo": cache.demo_latents,
    "folder": cache.folder_latents,
    "scans": cache.scan_latents,
    "kept": cache.kept_scan_latents,
}
NEUTRAL = {"on_progress", "tell", "selection", "workers", "max_quarantined", "look"}
SETTINGS = [field.name for field in fields(StoreSettings) if field.name not in NEUTRAL]
"""Arguments that change no latent: who is told, and what of; who does it; what a look at the same
files found; how many scans may be missing from the list, which is itself in the name."""
IDLE = {"demo": ("splits",), "kept": ("splits",)}
"""Settings that a source does not read: who asks it has no split that was decided before."""
SCAN_FIELDS = {
    "subject": True, "scan_id": True, "path": False,
    "session": False, "dataset": True, "modality": False, "subject_from": False,
    "group": False,
}  # fmt: skip
"""Whether what is known of a scan decides its store: its data set does by the split; a path alone does not."""


def leaves(value, path=()):
    """Places of all single values in nested mappings, tuples and lists."""
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in leaves(part, (*path, key))]
    if isinstance(value, tuple | list):
        return [leaf for index, part in enumerate(value) for leaf in leaves(part, (*path, index))]
    return [path]


def changed(value, path):
    """A copy of nested values with another one, hardly different, at a place."""
    if path:
        parts = dict(value) if isinstance(value, dict) else list(value)
        parts[path[0]] = changed(value[path[0]], path[1:])
        return type(value)(parts)
    if isinstance(value, str):
        return value + "x"
    return value * (1 + 1e-12) or 1e-12 if isinstance(value, float) else value + 1


def variants(value):
    """Values that differ from one in a single place each."""
    return [changed(value, path) for path in leaves(value)]


def other_settings(instance):
    """Copies of a dataclass that differ in one value each, unchecked."""
    copies = []
    for facts in variants(asdict(instance)):
        copy = replace(instance)
        for name, value in facts.items():
            object.__setattr__(copy, name, value)
        copies.append(copy)
    return copies


@pytest.fixture(scope="session")
def other_codecs(codec):
    """Autoencoders that differ in a value of the architecture, the scale factor, or one weight of one tensor."""
    network = codec._network
    different = [LatentCodec(network, one, codec.scale_factor) for one in other_settings(codec.architecture)]
    different.append(LatentCodec(network, codec.architecture, changed(codec.scale_factor, ())))
    state = network.state_dict()
    for name in list(state)[::4]:
        twin = build_vae(codec.architecture)
        tensor = state[name].clone()
        tensor.view(-1)[-1] += 1
        twin.load_state_dict({**state, name: tensor})
        different.append(LatentCodec(twin, codec.architecture, codec.scale_factor))
    return different


@pytest.fixture
def scan_files(tmp_path):
    """A function that writes a folder of two small files and gives it; a change is one of content alone."""

    def write(name, last=b"0", content=b"one scan "):
        folder = tmp_path / name
        for subject in ("sub-01", "sub-02"):
            file = folder / subject / f"{subject}_T1w.nii.gz"
            file.parent.mkdir(parents=True)
            file.write_bytes(content + subject.encode() + (last if subject == "sub-02" else b"0"))
            os.utime(file, (1e9, 1e9))
        return folder

    return write


@pytest.fixture
def ask(monkeypatch, tmp_path):
    """A function that gives the names under which a request would keep its store, and each scan's latent."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    names = {}
    encoded = cache.EncodedScans
    monkeypatch.setattr(
        cache, "cached_store", lambda name, build: names.update(store=name) or SimpleNamespace(path=Path(name))
    )
    monkeypatch.setattr(cache, "encode_missing", lambda *_, **__: [])
    monkeypatch.setattr(cache, "kept_entry", lambda name: names.update(store=name))
    monkeypatch.setattr(
        cache, "EncodedScans", lambda folder, *more: names.update(scans=folder) or encoded(folder, *more)
    )

    def request(source, arguments):
        names.clear()
        given = dict(arguments)
        settings = {name: given.pop(name) for name in SETTINGS if name in given}
        settings["codec"] = settings["codec"].tiled(given.pop("tiling"))
        SOURCES[source](**given, settings=StoreSettings(**settings))
        return dict(names)

    return request


@pytest.fixture
def request_of(scan_files, preprocessing, codec, other_codecs):
    """A function that gives a source's arguments, and others of each by name; a new argument has none and fails."""
    root = scan_files("scans")
    scans = discover_scans(root)
    same_names = scan_files("other", b"1")
    different = {
        "subjects": (2, [3]),
        "seed": (0, [1]),
        "root": (root, [same_names]),
        "scans": (scans, [scans[:1], scans[::-1], discover_scans(same_names)]),
        "preprocessing": (preprocessing, other_settings(preprocessing)),
        "codec": (codec, other_codecs),
        "split_ratios": ((0.4, 0.3, 0.3), variants((0.4, 0.3, 0.3))),
        "split_seed": (0, [1]),
        "splits": (None, [{scan.subject: "train" for scan in scans}]),
        "tiling": (Tiling(), [Tiling(2), Tiling(1, 64), Tiling(1, None, 0.5), Tiling(norm_float16=True)]),
    }

    def arguments(source):
        of_function = [name for name in inspect.signature(SOURCES[source]).parameters if name not in NEUTRAL]
        names = [
            name for name in (*of_function, *SETTINGS, "tiling") if name not in ("settings", *IDLE.get(source, ()))
        ]
        return {name: different[name][0] for name in names}, {name: different[name][1] for name in names}

    return arguments


@pytest.mark.parametrize("source", SOURCES)
def test_everything_asked_for_is_in_the_name(ask, request_of, source):
    """Each argument, down to each value in it and one weight of a tensor, changed alone, is another store."""
    base, others = request_of(source)
    requests = [base, *({**base, name: value} for name, values in others.items() for value in values)]
    names = [ask(source, arguments)["store"] for arguments in requests]
    assert ask(source, base)["store"] == names[0]
    assert len(set(names)) == len(requests) > 20


def test_what_a_scans_latent_depends_on_is_in_its_name(ask, request_of):
    """Preprocessing and autoencoder decide where latents of scans are kept; a new split or a new scan costs none."""
    base, others = request_of("scans")
    before = ask("scans", base)["scans"]
    for name, values in others.items():
        places = [ask("scans", {**base, name: value})["scans"] for value in values]
        decides = name in ("preprocessing", "codec", "tiling")
        assert len({before, *places}) == (len(places) + 1 if decides else 1), name


@pytest.mark.parametrize("source", ["demo", "scans", "kept"])
def test_the_code_is_in_the_name(ask, request_of, monkeypatch, source):
    """Other code of any module that decides a value, and another version of a library, is another store."""
    base, _ = request_of(source)
    names = [ask(source, base)]
    modules = [*cache.ENCODING, *cache.STORING, *(cache.DEMONSTRATION if source == "demo" else ())]
    for module in modules:
        monkeypatch.setattr("neuromf.data.code_facts.module_hash", lambda name, m=module: "other" if name == m else "")
        names.append(ask(source, base))
    assert len({name["store"] for name in names}) == len(modules) + 1
    kept = {name["scans"] for name in names if "scans" in name}
    assert len(kept) in (0, len(cache.ENCODING) + 2), "what decides a store alone costs no latent"


@pytest.mark.parametrize("name", [field.name for field in fields(Scan)])
def test_what_a_store_says_of_a_scan_is_in_its_name(ask, request_of, scan_files, name):
    """Subject and id are; a copy of the scan elsewhere, and what no store holds, are the same store."""
    base, _ = request_of("scans")
    first, *rest = base["scans"]
    value = discover_scans(scan_files("moved"))[0].path if name == "path" else getattr(first, name) + "x"
    changed_scan = {**base, "scans": [replace(first, **{name: value}), *rest]}
    assert (ask("scans", base) != ask("scans", changed_scan)) == SCAN_FIELDS[name]


@pytest.mark.parametrize("source", ["demo", "folder"])
def test_settings_arrive_where_they_belong(monkeypatch, tmp_path, scan_files, codec, source):
    """Every key of `data` and `vae` is asked for under its own name, by a training and by the look before it."""
    own = ["data.source=folder", f"data.root={scan_files('scans')}"] if source == "folder" else []
    numbers = ["data.demo_subjects=5", "data.demo_seed=6", "data.split_seed=7", "data.spacing_mm=8.5",
               "data.shape=[16,32,48]", "data.intensity_percentiles=[1.5,97.5]", "data.split_ratios=[0.5,0.3,0.2]",
               "data.clip_above=false", "vae.checkpoint=some.file", "data.max_quarantined=0.5", "vae.num_splits=2",
               "vae.norm_float16=true",
               "vae.tile_voxels=64", "vae.tile_overlap=0.5", "vae.latent_channels=3", "vae.stride=4"]  # fmt: skip
    config = load_config(["smoke"], [*numbers, *own])
    asked = []

    def note(kind):
        def noted(*given, **more):
            asked.append(inspect.signature(kind).bind(*given, **more).arguments)
            return tmp_path

        return noted

    opened = []
    monkeypatch.setattr(store, "load_vae", lambda name: opened.append(name) or codec)
    monkeypatch.setattr(store, "refuse_bad_scans", lambda _: None)
    for kind in SOURCES.values():
        monkeypatch.setattr(store, kind.__name__, note(kind), raising=False)
    store.training_store(config)
    if source == "folder":
        opened.clear()
        store.encoded_store(config)
    assert len(asked) == (1 if source == "demo" else 2)
    keys = len(DataConfig.model_fields) + len(VaeConfig.model_fields) - 4  # source and root, factory and options
    assert keys == len(numbers), "a new key must be asked for here"
    for arguments in asked:
        settings = arguments.pop("settings")
        assert asdict(settings.preprocessing) == {
            "spacing_mm": 8.5, "shape": (16, 32, 48), "intensity_percentiles": (1.5, 97.5), "clip_above": False,
        }  # fmt: skip
        assert (settings.split_seed, settings.split_ratios, settings.max_quarantined) == (7, (0.5, 0.3, 0.2), 0.5)
        assert (settings.codec.fingerprint, settings.codec.tiling) == (
            codec.fingerprint,
            Tiling(2, 64, 0.5, norm_float16=True),
        )
        assert opened == [VaeSource("some.file", latent_channels=3)]
        if source == "folder":
            scans = discover_scans(tmp_path / "scans")
            assert arguments.pop("scans") == scans
            splits = split_scans(scans, settings.split_ratios, settings.split_seed)
            assert arguments.pop("splits", splits) == splits
        given = {name: value for name, value in arguments.items() if name not in NEUTRAL}
        assert given == ({"subjects": 5, "seed": 6} if source == "demo" else {})
