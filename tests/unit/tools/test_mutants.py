"""The mutation session: its draw, its arithmetic, and the page that must say what is stored."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import neuromf
from neuromf.errors import InputError
from tools.mutants.areas import Area, areas, select
from tools.mutants.results import (
    AreaResult,
    Equivalent,
    Survivor,
    open_survivors,
    read_equivalents,
    read_results,
    score,
    store,
)
from tools.mutants.session import draw
from tools.mutants.table import README, page, table
from tools.mutants.workspace import Workspace, _configuration

ROOT = Path(neuromf.__file__).parents[1]
NAMES = [f"neuromf.a.x_f__mutmut_{number}" for number in range(50)]
SURVIVORS = (Survivor("m1", "-a\n+b"), Survivor("m2", "-c\n+d"), Survivor("m3", "-e\n+f"))
RESULT = AreaResult(
    area="watch", date="2026-01-02", commit="0123456", command="c", seed=7, machine="m", mutants=90, sampled=43,
    seconds=150, survivors=SURVIVORS,
)  # fmt: skip
EQUIVALENT = Equivalent("m2", "-c\n+d\n", "d is c")


def test_every_folder_is_an_area_and_every_test_of_it_is_there():
    """A new folder is an area; a test that moved is an error here, not a change that nobody notices."""
    folders = {path.parent.name for path in (ROOT / "neuromf").glob("*/*.py")}
    assert set(areas()) == folders
    for area in areas().values():
        for test in (*area.tests, *area.further, *area.left_out):
            assert (ROOT / test.partition("::")[0]).exists(), f"{area.name}: {test}"


def test_areas_are_selected_by_name_and_a_wrong_one_is_refused():
    """In the file's order; all where none is named."""
    assert [area.name for area in select(["watch", "bisect"])] == ["bisect", "watch"]
    assert len(select([])) == len(areas())
    with pytest.raises(InputError, match="did you mean 'watch'"):
        select(["wacht"])


def test_a_draw_depends_on_the_seed_and_the_names_alone():
    """Not on their order; without repetition, and all of them where more are asked for."""
    assert draw(NAMES, 9, 3) == draw(NAMES[::-1], 9, 3) != draw(NAMES, 9, 4)
    assert len(set(draw(NAMES, 9, 3)) & set(NAMES)) == 9
    assert draw(NAMES, 99, 3) == sorted(NAMES)


def test_mutmut_is_told_the_areas_code_and_tests():
    """As TOML that it reads: what is changed, what is run, what is left out."""
    area = Area("watch", ("tests/a", "tests/b"), left_out=("tests/a/test_x.py::test_y", "tests/b/test_z.py"))
    settings = tomllib.loads(_configuration(area))["tool"]["mutmut"]
    assert settings["only_mutate"] == ["neuromf/watch/*.py"]
    assert settings["pytest_add_cli_args_test_selection"] == ["tests/a", "tests/b"]
    assert settings["pytest_add_cli_args"][-4:] == [
        "--deselect", "tests/a/test_x.py::test_y", "--ignore", "tests/b/test_z.py",
    ]  # fmt: skip


def test_only_a_failing_test_settles_that_a_change_is_noticed(monkeypatch):
    """A time limit, no test at all or an error of mutmut's own does not: all tests are asked of such a change."""
    codes = {"failed": 1, "torn": 3, "passed": 0, "untested": 33, "slow": 24, "slower": -24, "slowest": 152, "odd": 255}
    workspace = object.__new__(Workspace)
    monkeypatch.setattr(workspace, "_mutmut", lambda *_: None)
    monkeypatch.setattr(workspace, "_exit_codes", lambda: codes)
    assert workspace.alive(list(codes)) == [name for name in codes if name not in ("failed", "torn")]


def test_an_equivalent_change_counts_neither_as_noticed_nor_as_tried():
    """43 tried, three survive, one of them equivalent: 40 of 42; a row of another change counts for none."""
    assert score(RESULT, [EQUIVALENT]) == (40, 42)
    assert score(RESULT, [replace(EQUIVALENT, change="-c\n+e")]) == score(RESULT, []) == (40, 43)
    assert open_survivors(RESULT, [EQUIVALENT]) == [SURVIVORS[0], SURVIVORS[2]]


def test_a_result_takes_the_place_of_its_areas_former_one(tmp_path):
    """The others stay, and all are read back as they were."""
    path = tmp_path / "results.json"
    for result in (RESULT, replace(RESULT, area="data"), replace(RESULT, seed=8)):
        store(result, path)
    assert read_results(path) == [replace(RESULT, area="data"), replace(RESULT, seed=8)]


def test_the_table_has_a_row_a_folder_with_its_own_numbers():
    """Changes, tried, noticed, equivalent, score, day, seed, minutes; the others are said not to be measured."""
    rows = {row.split("`")[1]: row for row in table([RESULT], [EQUIVALENT]).splitlines()[2:]}
    assert rows["watch"] == "| `watch` | 90 | 43 | 40 | 1 | 95 % | 2026-01-02, 0123456 | 7 | 2 |"
    assert "not measured" in rows["data"]
    assert set(rows) == set(areas())


def test_the_page_is_the_one_of_the_stored_results():
    """`python -m tools mutants table` writes it."""
    assert README.read_text(encoding="utf-8") == page()


def test_every_equivalent_is_a_stored_survivor_with_a_reason():
    """A row whose survivor is gone counts for nothing and goes; no survivor is listed twice."""
    survivors = {(one.mutant, one.change.strip()) for result in read_results() for one in result.survivors}
    listed = [(row.mutant, row.change.strip()) for row in read_equivalents()]
    assert len(set(listed)) == len(listed)
    assert set(listed) <= survivors
    assert all(len(row.reason.split()) > 4 for row in read_equivalents())
