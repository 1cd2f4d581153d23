"""DATA-007: results are kept under a name that everything decides which decides them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.registry import law

from neuromf.data import cache
from neuromf.data.preprocess import Preprocessing
from neuromf.data.scan import Scan
from neuromf.data.store_settings import StoreSettings
from neuromf.nets.tiling import WHOLE

texts = st.sampled_from(["a", "b"])
PARTS = {
    "contents": st.lists(st.binary(min_size=1, max_size=2), min_size=2, max_size=2),
    "ids": st.tuples(texts, texts),
    "subjects": st.tuples(texts, texts),
    "spacing": st.sampled_from([1.0, 1.0000001]),
    "shape": st.permutations([4, 8, 12]).map(tuple),
    "limits": st.sampled_from([(0.0, 99.0), (0.0, 99.5), (1.0, 99.0)]),
    "codec": texts,
    "split_ratios": st.sampled_from([(0.8, 0.1, 0.1), (0.8, 0.2, 0.0)]),
    "split_seed": st.integers(0, 1),
}
KEYS = tuple(PARTS)
requests = st.fixed_dictionaries(PARTS)


def named_codec(name):
    """What the name of a store asks of an autoencoder."""
    codec = SimpleNamespace(fingerprint=name, tiling=WHOLE)
    return codec


def name_of(folder, request):
    """The name under which the cache would look for these scans, written into a folder."""
    scans = []
    for index, (subject, scan_id) in enumerate(zip(request["subjects"], request["ids"], strict=True)):
        path = folder / f"{index}.nii"
        path.write_bytes(request["contents"][index])
        scans.append(Scan(subject, scan_id, path))
    preprocessing = Preprocessing(request["spacing"], request["shape"], request["limits"])
    codec = named_codec(request["codec"])
    settings = StoreSettings(preprocessing, codec, request["split_ratios"], request["split_seed"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROMF_CACHE", str(folder / "cache"))
        patch.setattr(cache, "kept_entry", Path)
        return cache.kept_scan_latents(scans, settings)


@pytest.mark.law("DATA-007")
@given(first=requests, second=requests, shared=st.sets(st.sampled_from(KEYS), min_size=7))
def test_two_requests_have_one_name_where_they_are_equal_alone(tmp_path_factory, first, second, shared):
    """Whatever they differ in, they are two entries; equal ones, written anew, are one."""
    folder = tmp_path_factory.mktemp("scans")
    second = second | {key: first[key] for key in shared}
    same = name_of(folder, first) == name_of(folder, second)
    assert same == (first == second)
    differing = [key for key in first if first[key] != second[key]]
    assert law("DATA-007").predicate(unnoticed=differing if same else ()).passed
