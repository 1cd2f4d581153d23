"""What the page of phase 6 shows is what was kept."""

from neuromf.sweep.arms import arms_of, epochs_of
from neuromf.sweep.specification import read_sweep
from tools.studies.phase6 import FOLDER, SWEEP, on_page, read


def test_the_page_of_phase6_shows_the_table_of_its_rows():
    """To the last digit."""
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert on_page(page, read()) == page


def test_the_rows_are_those_of_the_shipped_sweep():
    """Every arm and seed that it names, and no other."""
    asked, kept = read_sweep(SWEEP), read()
    arms = [arm.name for arm in arms_of(asked, epochs_of(asked, SWEEP), SWEEP)]
    assert list(zip(kept["arm"], kept["seed"], strict=True)) == [(arm, seed) for arm in arms for seed in asked.seeds]
