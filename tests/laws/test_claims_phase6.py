"""Claims of the review that its phase 6 was to settle, from the small sweep that `golden/phase6` keeps."""

import pytest
from neuromf_spec.claims import claims

from tools.studies.phase6 import BASE, difference, of_seeds, read

RECOMPUTED = {row.id: row.recomputed for row in claims()}
SHARE, EXPONENT = "time_sampling.data_proportion", "meanflow.norm_p"


@pytest.fixture(scope="module")
def rows():
    """The kept sweep: nine settings, three seeds each."""
    kept = read()
    assert kept.groupby("arm").size().to_dict() == dict.fromkeys(kept["arm"].unique(), 3)
    assert kept["arm"].nunique() == 9
    return kept


def means(rows, name, *arms, form=".3g"):
    found = (of_seeds(rows, arm, name).values() for arm in arms)
    return ", ".join(f"{sum(values) / len(values):{form}}" for values in found)


def interval(found):
    return f"{found.mean:.3g} ({found.low:.3g} to {found.high:.3g})"


def test_a_share_of_a_half_has_the_lower_loss(rows):
    """By the loss of held-out heads in paired seeds; by one-step samples the interval holds zero."""
    arms = f"{SHARE}=0.5", BASE, f"{SHARE}=0.9"
    losses, distances = means(rows, "val_mf", *arms, form=".3f"), means(rows, "one", *arms)
    assert RECOMPUTED["CLAIM-65"].startswith(
        f"held-out MF loss {losses} at 0.5, 0.75, 0.9; one-step distance {distances}"
    )
    assert difference(rows, f"{SHARE}=0.5", "val_mf").high < 0
    assert difference(rows, f"{SHARE}=0.5", "one").is_apart is False


def test_a_larger_share_is_farther_in_one_step(rows):
    """0.9 than 0.75, and no better by the loss."""
    found = difference(rows, f"{SHARE}=0.9", "one")
    assert found.low > 0
    assert f"farther by {interval(found)}" in RECOMPUTED["CLAIM-66"]
    assert not difference(rows, f"{SHARE}=0.9", "val_mf").high < 0


def test_an_average_of_half_the_run_lags_behind(rows):
    """Its loss is far above that of the base, in paired seeds."""
    found, base = means(rows, "val_mf", "ema.decay=0.995", BASE, form=".3f").split(", ")
    assert RECOMPUTED["CLAIM-67"].startswith(f"held-out MF loss {found} at that half-life, {base} at")
    assert difference(rows, "ema.decay=0.995", "val_mf").low > 0.2


def test_an_average_twice_as_long_is_no_better(rows):
    """Its samples are farther from held-out heads; a shorter one cannot be told from the base."""
    found = difference(rows, "ema.decay=0.977", "one")
    assert found.low > 0
    assert f"farther by {interval(found)}" in RECOMPUTED["CLAIM-68"]
    assert difference(rows, "ema.decay=0.79", "one").is_apart is False


def test_the_exponent_makes_no_difference_that_three_seeds_see(rows):
    """Neither by the loss nor by one step."""
    arms = f"{EXPONENT}=0.5", f"{EXPONENT}=0.75", BASE
    losses, distances = means(rows, "val_mf", *arms, form=".3f"), means(rows, "one", *arms)
    assert RECOMPUTED["CLAIM-69"].startswith(f"held-out MF loss {losses} and one-step distance {distances}")
    assert not any(difference(rows, arm, name).is_apart for arm in arms[:2] for name in ("val_mf", "one"))


def test_precision_weights_change_nothing_here(rows):
    """The latents are normalised channel by channel."""
    arm = "meanflow.channel_weights=inverse_variance"
    loss, one = difference(rows, arm, "val_mf"), difference(rows, arm, "one")
    assert f"{loss.mean:.0e} ({loss.low:.1g} to {loss.high:.1g})" in RECOMPUTED["CLAIM-70"]
    assert f"{one.mean:.1f} ({one.low:.1f} to {one.high:.1f})" in RECOMPUTED["CLAIM-70"]
    assert not loss.is_apart
    assert not one.is_apart
