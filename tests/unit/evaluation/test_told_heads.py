"""What the study of heads that are asked for by their ventricles kept, and what its pages say of it."""

import numpy as np
import pandas as pd
import pytest
import torch

from neuromf.checkout import ROOT
from tools.studies.told_heads import FOLDER, SCHEMA, score, slope, slopes, table


@pytest.fixture(scope="module")
def kept():
    return SCHEMA.validate(pd.read_csv(FOLDER / "told_heads.csv"))


@pytest.fixture(scope="module")
def means(kept):
    return kept.groupby("guidance").mean()


def test_the_page_shows_the_kept_numbers(kept):
    """The table between its marks is the one that the rows make."""
    assert table(kept) in (FOLDER / "README.md").read_text()


def test_the_pages_say_what_was_found(means):
    """Slopes of held-out heads and of samples in one evaluation, and how much farther guidance goes."""
    page, guide = (FOLDER / "README.md").read_text(), (ROOT / "docs" / "how-to" / "covariates.md").read_text()
    one, ten = (means[name][2.0] / means[name][1.0] for name in ("follow_1", "follow_10"))
    assert f"a factor of 2 they follow {one:.1f} times as far in one evaluation and {ten:.1f}\ntimes in ten" in page
    assert (
        f"(slope {means['follow_1'][1.0]:.2f} beside {means['held_out'][1.0]:.2f}), and {one:.1f} times as far" in guide
    )


def test_samples_follow_what_they_are_told(kept, means):
    """In each of the trainings; guided ones about twice as far as the others."""
    assert (kept["follow_1"] > 0.3).all()
    assert 1.6 <= means["follow_1"][2.0] / means["follow_1"][1.0] <= 2.6


def test_a_score_is_in_units_of_what_was_told():
    """Of latents that are a multiple of what was told, and noise across it, the slope is one; of deaf ones none."""
    generator = np.random.default_rng(0)
    grown, along = generator.uniform(-0.1, 0.5, 400), generator.standard_normal(50)
    latents = torch.from_numpy(np.outer(grown, along))
    direction = slopes(latents, grown)
    np.testing.assert_allclose(direction, along, atol=1e-12)
    assert slope(score(latents, direction), grown) == pytest.approx(1)
    deaf = torch.from_numpy(generator.standard_normal((400, 50)))
    assert abs(slope(score(deaf, direction), grown)) < 0.5  # a standard error is 1/(|along| 0.17 20), some 0.04
