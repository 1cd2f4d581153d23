"""The cache: made once, reused, rebuilt when damaged, undisturbed by a second process."""

import errno
import os
import shutil
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from neuromf.data import cache, cache_entry, code_facts
from neuromf.data.cache import cache_directory, demo_latents, folder_latents
from neuromf.data.cohort import discover_scans
from neuromf.data.latents import open_latents
from neuromf.data.splits import split_scans
from neuromf.data.store_settings import StoreSettings
from neuromf.errors import InputError, UnreadableError
from neuromf.nets.vae import load_vae
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
        demo_latents(2, 0, StoreSettings(preprocessing, load_vae(codec_file), RATIOS, 0))
    return folder


@pytest.fixture
def request_store(tmp_path, filled_cache, codec_file, preprocessing, monkeypatch):
    """A function that asks a copy of the filled cache for a store."""
    shutil.copytree(filled_cache, tmp_path / "cache")
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))

    def ask(subjects=2, seed=0, on_progress=None, split_ratios=RATIOS, split_seed=0):
        settings = StoreSettings(preprocessing, load_vae(codec_file), split_ratios, split_seed)
        return demo_latents(subjects, seed, settings, on_progress=on_progress).path

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
    monkeypatch.setattr(cache, "_made_once", lambda name, *_: names.append(name) or SimpleNamespace(path=None))
    request_store()
    request_store(**change)
    assert names[0] != names[1]


def test_what_other_code_made_is_made_anew_and_left(request_store, monkeypatch):
    """An entry from before an upgrade serves nobody who asks now, and stays for the runs that name it."""
    before = request_store()
    monkeypatch.setattr(code_facts, "module_hash", lambda name: "another version's")
    after = request_store()
    assert after != before
    assert open_latents(before).description == open_latents(after).description


def test_damaged_entry_is_rebuilt(request_store):
    """A flipped byte is noticed and the entry is made again, with the same content; nothing else stays behind."""
    store = request_store()
    content = open_latents(store).description.content_hash
    victim = next((store / "scans").iterdir())
    victim.write_bytes(victim.read_bytes()[:-1] + b"\xff")
    assert open_latents(request_store()).description.content_hash == content
    assert len(list(store.parent.parent.iterdir())) == 1


@pytest.mark.parametrize("damage", ["missing", "altered"])
def test_a_large_entry_is_rebuilt_when_a_file_is_missing(request_store, monkeypatch, damage):
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


@pytest.mark.parametrize("code", [errno.EROFS, errno.EIO])
def test_a_disk_that_refuses_the_entrys_name_is_not_a_damaged_entry(request_store, monkeypatch, code):
    """Where there is no entry, none is damaged: what the disk says is told."""
    shutil.rmtree(request_store().parent)

    def refuse(source, target):
        raise OSError(code, os.strerror(code), source, None, target)

    monkeypatch.setattr(cache_entry.os, "replace", refuse)
    with pytest.raises(InputError, match=f"the cache cannot be written .{os.strerror(code)}.; set NEUROMF_CACHE"):
        cache_entry._publish(cache_directory(), cache_directory() / "entry")


def test_failed_build_leaves_nothing(request_store, tmp_path):
    """An error on the way leaves the cache as it was."""
    before = sorted(os.listdir(tmp_path / "cache"))
    with pytest.raises(InputError, match="0 subjects"):
        request_store(subjects=0)
    assert sorted(os.listdir(tmp_path / "cache")) == before


def test_progress_counts_making_and_encoding(request_store):
    """The callback counts up to twice the number of subjects."""
    seen = []
    request_store(seed=1, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_folder_of_scans_is_encoded_once_until_it_changes(tmp_path, cohort, codec_file, preprocessing, monkeypatch):
    """The same folder gives the same entry; a scan that is replaced gives another."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    root = shutil.copytree(cohort, tmp_path / "scans")

    def ask():
        return folder_latents(root, StoreSettings(preprocessing, load_vae(codec_file), RATIOS, 0)).path

    first = ask()
    assert ask() == first
    assert len(open_latents(first).split("train")) == 3
    shutil.copy(root / "sub-0001/anat/sub-0001_T1w.nii.gz", root / "sub-0002/anat/sub-0002_T1w.nii.gz")
    assert ask() != first


@pytest.mark.law("DATA-002")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_scans_are_split_by_the_seed_that_is_asked_for(tmp_path, cohort, codec_file, preprocessing, monkeypatch, seed):
    """The store's manifest holds the split that the seed gives, and its description the seed."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    store = folder_latents(cohort, StoreSettings(preprocessing, load_vae(codec_file), (0.4, 0.3, 0.3), seed))
    expected = split_scans(discover_scans(cohort), (0.4, 0.3, 0.3), seed)
    assert dict(zip(store.manifest["subject"], store.manifest["split"], strict=True)) == expected
    assert store.description.split_seed == seed


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


def test_an_entry_that_cannot_be_read_is_told_and_left(request_store, monkeypatch, no_build):
    """Another user's latents are not damaged: nothing is encoded, nothing is renamed away."""
    store = request_store()
    before = sorted(path.name for path in store.parent.parent.iterdir())

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(UnreadableError, match="Permission denied"):
        request_store()
    assert sorted(path.name for path in store.parent.parent.iterdir()) == before


ANOTHER_USER = """
import os, sys
from pathlib import Path
import neuromf.data.cache_entry as cache_entry
from neuromf.errors import UnreadableError
os.setuid(65534)
try:
    print(cache_entry.sound_store(Path(sys.argv[1])))
except UnreadableError as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may become another user; the test above refuses by hand")
def test_another_user_is_told(request_store, tmp_path):
    """A second user without permission, as a process of its own, gets that sentence."""
    store = request_store()
    (store / "scans").chmod(0o700)
    for folder in [tmp_path, *tmp_path.parents]:
        folder.chmod(folder.stat().st_mode | 0o055)
    command = [sys.executable, "-c", ANOTHER_USER, str(store.parent)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "cannot be read (Permission denied)" in ended.stdout, ended.stderr


def test_every_file_of_an_entry_follows_the_umask(tmp_path, codec_file, preprocessing, monkeypatch):
    """A second user of a shared cache reads what the first one made."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    before = os.umask(0o022)
    try:
        demo_latents(1, 0, StoreSettings(preprocessing, load_vae(codec_file), RATIOS, 0))
    finally:
        os.umask(before)
    modes = {(path.is_dir(), path.stat().st_mode & 0o777) for path in (tmp_path / "cache").rglob("*")}
    assert modes == {(True, 0o755), (False, 0o644)}


def test_a_damaged_entry_is_mended_under_a_training_that_reads_it(request_store):
    """The folder stays, and one file that is damaged is replaced."""
    store = request_store()
    folder, files = store.stat().st_ino, sorted((store / "scans").iterdir())
    content = files[0].read_bytes()
    files[0].write_bytes(b"damaged")
    request_store()
    assert store.stat().st_ino == folder
    assert files[0].read_bytes() == content


def test_folders_of_killed_processes_are_swept(request_store, tmp_path):
    """One whose process is gone goes with the next build; that of a live process, or of another machine, stays."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = socket.gethostname()
    names = {
        "gone": f".x~{host}~{gone.pid}~aa.part",
        "alive": f".x~{host}~{os.getpid()}~aa.part",
        "elsewhere": f".x~other-machine~{gone.pid}~aa.part",
    }
    for name in names.values():
        (tmp_path / "cache" / name).mkdir()
    request_store(seed=1)
    left = {kind for kind, name in names.items() if (tmp_path / "cache" / name).exists()}
    assert left == {"alive", "elsewhere"}
