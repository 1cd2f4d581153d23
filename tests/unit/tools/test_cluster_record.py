"""What the rehearsal on SLURM keeps: its table is that of its rows, and a fact that was not so stands out."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tools.cluster.files import NODES, Ports, texts
from tools.cluster.record import FOLDER, Played, keep, table, without_place
from tools.cluster.scenarios import SCENARIOS
from tools.cluster.seen import Seen

GOOD = Seen("it saves", {"saved": True, "went on": True}, ("a line",))
BAD = Seen("it saves", {"saved": False, "went on": True})


@pytest.fixture
def folder(tmp_path):
    """A README without rows."""
    (tmp_path / "README.md").write_text("# A\n\n<!-- table -->\n<!-- end of table -->\n\nmore\n")
    return tmp_path


def test_a_fact_that_was_not_so_stands_out(folder):
    """In the table, in bold; the outcome as a whole is not as expected."""
    keep([Played("one", GOOD, 3.4), Played("two", BAD, 0.2)], "22.05.8", folder)
    readme = (folder / "README.md").read_text()
    assert "| one | it saves | saved; went on | 3 |" in readme
    assert "| two | it saves | **not so: saved**; went on | 0 |" in readme
    assert readme.startswith("# A\n")
    assert readme.endswith("\nmore\n")
    assert (GOOD.held, BAD.held) == (True, False)


def test_what_is_kept_names_neither_machine_nor_folder():
    """It is read by others."""
    said = Seen("a", {}, (f"process 7 on {socket.gethostname()} wrote /home/me/run",))
    assert without_place(said, Path("/home/me")).said == ("process 7 on HOST wrote FOLDER/run",)


def test_scenarios_that_were_not_played_keep_their_outcome(folder):
    """One that was played again has its new one."""
    keep([Played("one", BAD, 1), Played("two", GOOD, 1)], "22.05.8", folder)
    keep([Played("one", GOOD, 2)], "22.05.8", folder)
    kept = json.loads((folder / "rehearsal.json").read_text())["scenarios"]
    assert {name: one["facts"]["saved"] for name, one in kept.items()} == {"one": True, "two": True}
    assert kept["one"]["seconds"] == 2


def test_the_kept_rehearsal_is_whole_and_its_table_is_of_its_rows():
    """Every scenario was played, all was as expected, and the README says the same as the JSON file."""
    kept = json.loads((FOLDER / "rehearsal.json").read_text())["scenarios"]
    assert set(kept) == set(SCENARIOS)
    assert [name for name, one in kept.items() if not all(one["facts"].values())] == []
    assert table(kept) in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize(("version", "plugin"), [((22, 5), "cgroup/v1"), ((24, 11), "disabled")])
def test_the_configuration_has_a_line_for_each_node(version, plugin):
    """With the port of its own, and a cgroup plugin that this version has."""
    made = texts(Path("/a/b"), Ports(1, (2, 3)), version)
    assert [f"NodeName={name} " in made["slurm.conf"] for name in NODES] == [True, True]
    assert "Port=2 " in made["slurm.conf"]
    assert "Port=3 " in made["slurm.conf"]
    assert made["cgroup.conf"] == f"CgroupPlugin={plugin}\n"
