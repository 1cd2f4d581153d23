"""The cache: made once, reused, rebuilt when damaged, undisturbed by a second process."""

import os
import shutil

import pytest

from neuromf.data import cache, cache_entry
from neuromf.data.cache import cache_directory, demo_latents, folder_latents
from neuromf.data.latents import open_latents
from neuromf.errors import InputError
from neuromf.nets.vae_checkpoint import save_vae

RATIOS = (1.0, 0.0, 0.0)


@pytest.fixture(scope="session")
def codec_file(tmp_path_factory, codec):
    """The small codec as a file."""
    path = tmp_path_factory.mktemp("codec") / "vae.safetensors"
    save_vae(path, codec._network, codec.architecture, codec.scale_factor)
    return str(path)


@pytest.fixture(scope="session")
def filled_cache(tmp_path_factory, codec_file, preprocessing):
    """A cache that holds one demonstration store; read only."""
    folder = tmp_path_factory.mktemp("filled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROMF_CACHE", str(folder))
        demo_latents(2, 0, preprocessing, codec_file, split_ratios=RATIOS, split_seed=0)
    return folder


@pytest.fixture
def request_store(tmp_path, filled_cache, codec_file, preprocessing, monkeypatch):
    """A function that asks a copy of the filled cache for a store."""
    shutil.copytree(filled_cache, tmp_path / "cache")
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))

    def ask(subjects=2, seed=0, **changes):
        arguments = {"split_ratios": RATIOS, "split_seed": 0} | changes
        return demo_latents(subjects, seed, preprocessing, codec_file, **arguments)

    return ask


@pytest.fixture
def no_build(monkeypatch):
    """Building is an error."""
    monkeypatch.setattr(cache, "build_demo_cohort", lambda *args: pytest.fail("the cohort was built again"))


def test_second_request_builds_nothing(request_store, no_build):
    """What is in the cache is handed out as it is."""
    assert len(open_latents(request_store()).split("train")) == 2


@pytest.mark.parametrize("change", [{"subjects": 1}, {"seed": 1}, {"split_seed": 1}, {"split_ratios": (0.5, 0.5, 0.0)}])
def test_every_argument_is_part_of_the_key(request_store, monkeypatch, change):
    """A request that differs in anything gets its own entry."""
    names = []
    monkeypatch.setattr(cache, "cached_store", lambda name, build: names.append(name))
    request_store()
    request_store(**change)
    assert names[0] != names[1]


def test_source_version_is_part_of_the_key(request_store, monkeypatch):
    """Raising the version constant makes every old entry unused."""
    monkeypatch.setattr(cache, "SOURCE_VERSION", cache.SOURCE_VERSION + 1)
    monkeypatch.setattr(cache_entry, "_publish", lambda folder, entry: None)
    assert not request_store().exists()


def test_damaged_entry_is_rebuilt(request_store):
    """A flipped byte is noticed and the entry is made again, with the same content; nothing else stays behind."""
    store = request_store()
    content = open_latents(store).description.content_hash
    victim = next((store / "scans").iterdir())
    victim.write_bytes(victim.read_bytes()[:-1] + b"\xff")
    assert open_latents(request_store()).description.content_hash == content
    assert len(list(store.parent.parent.iterdir())) == 1


@pytest.mark.parametrize("damage", ["missing", "altered"])
def test_an_entry_too_large_to_be_read_whole_is_rebuilt_when_a_file_is_missing(request_store, monkeypatch, damage):
    """Beyond the bound a missing latent is noticed at once; an altered one is left to whoever reads it."""
    store = request_store()
    monkeypatch.setattr(cache_entry, "VERIFIED_AT_ONCE", 0)
    victim = next((store / "scans").iterdir())
    content = victim.read_bytes()
    victim.unlink()
    if damage == "altered":
        victim.write_bytes(b"other")
    request_store()
    assert (victim.read_bytes() == content) == (damage == "missing")


def test_loser_of_a_race_uses_the_winners_entry(request_store, monkeypatch, tmp_path):
    """When another process publishes during the build, its sound entry stays and the own build is dropped."""
    entry = request_store().parent
    winner = entry.rename(tmp_path / "winner")

    def overtaken(folder, target, publish=cache_entry._publish):
        shutil.copytree(winner, target)
        (target / "theirs").touch()
        publish(folder, target)

    monkeypatch.setattr(cache_entry, "_publish", overtaken)
    assert (request_store().parent / "theirs").exists()
    assert [path.name for path in entry.parent.iterdir()] == [entry.name]


def test_failed_build_leaves_nothing(request_store, tmp_path):
    """An error on the way leaves the cache as it was."""
    before = sorted(os.listdir(tmp_path / "cache"))
    with pytest.raises(InputError, match="0 subjects"):
        request_store(subjects=0)
    assert sorted(os.listdir(tmp_path / "cache")) == before


def test_progress_counts_making_and_encoding(request_store):
    """The callback counts up to twice the number of subjects."""
    seen = []
    request_store(subjects=1, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_folder_of_scans_is_encoded_once_until_it_changes(tmp_path, cohort, codec_file, preprocessing, monkeypatch):
    """The same folder gives the same entry; a scan that is replaced gives another."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    root = shutil.copytree(cohort, tmp_path / "scans")

    def ask():
        return folder_latents(root, preprocessing, codec_file, split_ratios=RATIOS, split_seed=0)

    first = ask()
    assert ask() == first
    assert len(open_latents(first).split("train")) == 3
    shutil.copy(root / "sub-0001/anat/sub-0001_T1w.nii.gz", root / "sub-0002/anat/sub-0002_T1w.nii.gz")
    assert ask() != first


def test_unwritable_cache_is_refused(request_store, tmp_path, monkeypatch):
    """A cache that cannot be written is an InputError that names the variable to set."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(InputError, match="NEUROMF_CACHE"):
        request_store()


def test_cache_directory_follows_the_environment(monkeypatch, tmp_path):
    """NEUROMF_CACHE wins over XDG_CACHE_HOME, which wins over the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("NEUROMF_CACHE", raising=False)
    assert cache_directory() == tmp_path / ".cache" / "neuromf"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_directory() == tmp_path / "xdg" / "neuromf"
    monkeypatch.setenv("NEUROMF_CACHE", "~/mine")
    assert cache_directory() == tmp_path / "mine"
