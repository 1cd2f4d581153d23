"""The study of times: what its settings change, how a training is judged, and the table of its rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from neuromf.config.resolve import flat_config
from neuromf.conform.one_step.settings import LearnerSettings
from tools.studies.latent_training import SEEDS, LatentTraining
from tools.studies.times import latents
from tools.studies.times.latents import LatentRow, latent_rows
from tools.studies.times.plan import ARMS, LONGER
from tools.studies.times.table import LATENTS, as_frame, on_page, read, table, write
from tools.studies.times.toys import toy_rows

BASE = ARMS[0]


def differences(first, second):
    """Keys of two configurations whose values differ."""
    own, other = flat_config(first), flat_config(second)
    return {key for key in own | other if own.get(key) != other.get(key)}


def row(arm, seed, one):
    return LatentRow(arm, seed, mf=1.0, fm=1.0, one=one, two=0.2, four=0.3, spread=0.5, real=0.1, noise=0.9)


@pytest.mark.parametrize("arm", ARMS[1:], ids=lambda arm: arm.name)
def test_a_setting_differs_from_the_base_in_what_it_names(arm):
    """The keys of its overrides, and nothing else, whatever the seed."""
    named = {change.split("=")[0] for change in arm.changes}
    assert differences(BASE.config(1), arm.config(1)) == named


def test_a_longer_training_differs_in_its_length_alone():
    """From the same setting's own."""
    (short,) = [arm for arm in ARMS if LONGER[1].name.startswith(f"{arm.name},") and "," in arm.name]
    assert differences(short.config(0), LONGER[1].config(0)) == {"training.epochs"}


def test_a_training_on_latents_is_judged_against_what_it_was_trained_on(monkeypatch):
    """Samples of half the spread have half of it, and are farther than the latents' own halves from each other."""
    generator = torch.Generator().manual_seed(0)
    real = torch.randn((60, 4, 2, 2, 2), generator=generator)
    drawn = {1: 0.5 * real, 2: real, 4: real + 1}
    made = LatentTraining(mf=0.3, fm=0.2, samples=drawn, latents=real, noise=real + 2)
    monkeypatch.setattr(latents, "train_on_latents", lambda config, evaluations: made)
    (found,) = latent_rows(BASE.name, 0)
    assert found.spread == pytest.approx(0.5)
    assert found.two == 0
    assert 0 < found.one < found.four < found.noise
    assert 0 < found.real < found.one


def test_a_training_on_toys_is_one_row_a_distribution():
    """Two settings of a seed have the same data, and other samples."""
    settings = LearnerSettings(steps=3, batch=8, judged=64)
    first, other = toy_rows(BASE.name, 0, settings), toy_rows("uniform 1", 0, settings)
    assert [one.truth for one in first] == ["Gaussian", "ring"]
    assert [one.real for one in first] == [one.real for one in other]
    assert first[0].one != other[0].one
    assert np.isfinite([first[0].one, first[1].four, first[1].spread]).all()


def test_the_table_counts_the_seeds_in_which_a_setting_is_nearer():
    """Means over seeds, and each seed against the base's own."""
    rows = [row(BASE.name, seed, 0.2) for seed in SEEDS] + [row("p 0", seed, 0.1 + 0.06 * seed) for seed in SEEDS]
    lines = table("latents", as_frame("latents", rows)).splitlines()
    assert lines[0] == "320 steps:"
    assert lines[4].split("|")[2].strip() == "0.2 (0.2 to 0.2)"
    assert lines[5].split("|")[2].strip() == "0.16 (2 of 3)"


def test_rows_are_kept_and_checked(tmp_path):
    """What is written is read back; a row twice, or a distance that is none, is refused."""
    rows = [row(BASE.name, seed, 0.2) for seed in SEEDS]
    write("latents", as_frame("latents", rows), tmp_path)
    pd.testing.assert_frame_equal(read("latents", tmp_path), as_frame("latents", rows), rtol=1e-6)
    for bad in ([*rows, rows[0]], [row(BASE.name, 0, float("nan"))], [row("unknown", 0, 1.0)]):
        with pytest.raises(Exception, match=r"unique|greater_than|null|isin"):
            LATENTS.validate(pd.DataFrame([vars(one) for one in bad]))


def test_a_page_gets_its_table_between_its_marks():
    """The text around stays as it is."""
    rows = as_frame("latents", [row(BASE.name, 0, 0.2)])
    page = on_page("latents", "before\n<!-- latents: begin -->\nold\n<!-- latents: end -->\nafter\n", rows)
    assert page.startswith("before\n")
    assert page.endswith("after\n")
    assert "old" not in page
    assert table("latents", rows).rstrip("\n") in page
