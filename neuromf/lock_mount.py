"""Whether a `flock` on a network file system is seen by other machines, by the options of its mount.

Where it is, a lock that is free has no holder, whatever a dead one has left in the file: local disks, Lustre with
`flock`, and NFS, which emulates it by locks of the server. Where it is not, each machine has a lock of its own, and a
free one says nothing of the others. The lock itself is alike in both cases; only the mount tells.
"""

from __future__ import annotations

import re
from pathlib import Path

TABLE = Path("/proc/self/mountinfo")
"""What the system says of its mounts, see proc(5)."""
LOCAL = {"localflock", "localflocks", "local_lock=flock", "local_lock=all", "nolock", "nobrl"}
"""Options of Lustre; of GFS2 and OCFS2; of NFS; of NFS and CIFS; of CIFS."""


def mounts() -> str:
    """The system's table; empty where it has none."""
    try:
        return TABLE.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def flock_is_local(folder: Path, table: str) -> bool:
    """Whether the mount of a folder keeps `flock` to this machine.

    Args:
        folder: absolute, without links.
        table: lines as `mounts` gives them; one that is not understood is passed over.
    """
    innermost, options = -1, frozenset[str]()
    for line in table.splitlines():
        mount, _, file_system = line.partition(" - ")
        here, there = mount.split(" "), file_system.split(" ")
        if len(here) < 6 or len(there) < 3:
            continue
        point = Path(_unescaped(here[4]))
        if folder.is_relative_to(point) and len(point.parts) >= innermost:  # of two at one place the later covers
            innermost, options = len(point.parts), frozenset(f"{here[5]},{there[2]}".split(","))
    return not options.isdisjoint(LOCAL)


def _unescaped(name: str) -> str:
    """Spaces and their like are octal digits there."""
    return re.sub(r"\\([0-7]{3})", lambda digits: chr(int(digits[1], 8)), name)
