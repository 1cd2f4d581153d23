"""Whether a mount keeps `flock` to its own machine, from what the system says of its mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuromf.lock_mount import flock_is_local, mounts

ROOT = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
LUSTRE = "40 22 0:45 / /scratch rw,noatime shared:7 - lustre 10.0.0.1@o2ib:/fs rw,checksum,{},user_xattr,lruresize\n"
NFS = (
    "41 22 0:46 /export /home rw shared:8 master:2 - nfs4 server:/export rw,vers=4.2,hard,proto=tcp,{},addr=10.0.0.2\n"
)


@pytest.mark.parametrize(("option", "local"), [("localflock", True), ("flock", False), ("noflock", False)])
def test_lustre_says_it_among_the_options_of_the_file_system(option, local):
    """`flock` holds over all nodes, and without one `flock` itself says that there is none."""
    assert flock_is_local(Path("/scratch/me/run"), ROOT + LUSTRE.format(option)) is local


@pytest.mark.parametrize(
    ("option", "local"),
    [("local_lock=none", False), ("local_lock=posix", False), ("local_lock=flock", True), ("local_lock=all", True),
     ("nolock", True)],
)  # fmt: skip
def test_nfs_asks_its_server_unless_told_not_to(option, local):
    """Its `flock` is emulated by locks of the server, which hold over all clients."""
    assert flock_is_local(Path("/home/me/run"), ROOT + NFS.format(option)) is local


@pytest.mark.parametrize(
    ("path", "local"),
    [
        ("/scratch", True),
        ("/scratch/run", True),
        ("/scratchy/run", False),
        ("/run", False),
        ("/scratch/nfs/run", False),
    ],
)
def test_the_innermost_mount_counts(path, local):
    """Not one whose name begins alike, nor the one above it."""
    table = LUSTRE.format("localflock") + ROOT + NFS.format("local_lock=none").replace("/home", "/scratch/nfs")
    assert flock_is_local(Path(path), table) is local


def test_of_two_mounts_at_one_place_the_later_counts():
    """It covers the other."""
    covered = LUSTRE.format("localflock") + LUSTRE.format("flock")
    assert not flock_is_local(Path("/scratch/run"), covered)


def test_a_name_with_a_space_is_found():
    """The system writes it as octal digits."""
    table = ROOT + LUSTRE.format("localflock").replace("/scratch", r"/my\040scratch")
    assert flock_is_local(Path("/my scratch/run"), table)


@pytest.mark.parametrize("table", ["", "\n", "nonsense\n", "1 2 3 - x\n", "22 1 8:1 / / rw - ext4\n"])
def test_what_cannot_be_read_says_nothing(table):
    """A system without such a list, or with another form of it."""
    assert not flock_is_local(Path("/scratch/run"), table)


def test_this_system_is_read(tmp_path):
    """Its own list has the root, and a scratch folder of the tests lies on no such mount."""
    assert mounts() == "" or " / " in mounts()
    assert not flock_is_local(tmp_path, mounts())
