"""What is said of times, share and weight is what the kept trainings show."""

import pytest

from tools.studies.latent_training import SEEDS
from tools.studies.times.plan import ARMS, LONGER
from tools.studies.times.table import BASE, FOLDER, on_page, read

STEPS = ("one", "two", "four")
PUBLIC = ARMS[7:9]
ONE_SEED = ("sigma 1.6", "sigma 1.6, share 0.25")


def nearer(kept, arm, name, base=BASE):
    """Of how many seeds a setting is nearer than the base."""
    wide = kept.set_index(["arm", "seed"])[name]
    return sum(wide[arm][seed] < wide[base][seed] for seed in wide[arm].index)


@pytest.mark.parametrize("name", ["latents", "toys"])
def test_the_page_shows_the_table_of_the_kept_trainings(name):
    """Every setting was trained with three seeds, but for those that are named, and the table is made of them."""
    kept, page = read(name), (FOLDER / "README.md").read_text()
    assert on_page(name, page, kept) == page
    counts = kept[kept["truth"] == "ring"]["arm"].value_counts() if name == "toys" else kept["arm"].value_counts()
    fewer = {arm.name for arm in LONGER} | (set(ONE_SEED) if name == "latents" else set())
    assert {arm for arm, count in counts.items() if count != len(SEEDS)} == (fewer if name == "latents" else set())


def test_fewer_fm_samples_are_nearer_at_equal_steps():
    """On latents, in each seed, at one, two and four evaluations."""
    kept = read("latents")
    assert all(nearer(kept, arm, name) == len(SEEDS) for arm in ("share 0.5", "share 0.25") for name in STEPS)


def test_uniform_pairs_help_on_toys_and_not_on_latents():
    """In one step, in each seed."""
    latents, toys = read("latents"), read("toys")
    assert nearer(latents, "uniform 1", "one") == nearer(latents, "uniform 0.5", "one") == 0
    for truth in ("Gaussian", "ring"):
        assert nearer(toys[toys["truth"] == truth], "uniform 1", "one") == len(SEEDS)


def test_public_times_gain_early_and_not_late():
    """Two and four evaluations are nearer after 320 steps; after 1,280 `recommended` is nearer at every number."""
    kept = read("latents")
    assert all(nearer(kept, PUBLIC[0].name, name) == len(SEEDS) for name in ("two", "four"))
    for arm in LONGER[1:]:
        assert all(nearer(kept, arm.name, name, LONGER[0].name) == 0 for name in STEPS)


def test_public_times_with_few_fm_samples_are_unstable():
    """Two seeds of three on latents are far off, and so is the Gaussian in every seed."""
    latents, toys = read("latents"), read("toys")
    assert (latents[latents["arm"] == PUBLIC[1].name]["one"] > 0.3).sum() == 2
    gaussian = toys[(toys["truth"] == "Gaussian") & (toys["arm"] == PUBLIC[1].name)]
    assert (gaussian["one"] > 2 * toys[toys["arm"] == BASE]["one"].max()).all()
