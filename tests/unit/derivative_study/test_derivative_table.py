"""The study of the derivative's number type: its distance, its emulated TF32, and the table of its rows."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from neuromf.flow import number_type
from neuromf.flow.jvp import exact_derivative
from neuromf.flow.path import interpolate
from neuromf.trace.exact import read_exact
from tests.support.law_strategies import draw_batch, randomised_unet, relative_error
from tools.studies.derivative_precision.table import SCHEMA, as_frame, table, write
from tools.studies.derivative_precision.trainings import KINDS, Trained, configured, emulated
from tools.studies.latent_training import SEEDS, sliced

GENERATOR = torch.Generator().manual_seed(0)
ROWS = [
    Trained(kind, seed, mf=1.0 + seed + 0.01 * place, fm=2.5, one_step=0.5, two_steps=0.4, noise=0.8)
    for place, kind in enumerate(KINDS)
    for seed in SEEDS
]


def test_a_set_has_no_distance_from_itself_and_a_moved_one_has():
    """A shift by d along each of n dims moves a projection on a random direction by d sqrt(n) sqrt(2 / (pi n))."""
    latents = torch.randn((40, 4, 3, 3, 3), generator=GENERATOR)
    assert sliced(latents, latents, 0) == 0
    expected = 5.0 * (2 / torch.pi) ** 0.5
    assert sliced(latents + 5.0, latents, 0) == pytest.approx(expected, rel=0.1)  # 256 directions: 5 % of it


def test_a_distance_repeats_itself():
    """Directions are drawn by the seed."""
    one, other = (torch.randn((9, 4, 2, 2, 2), generator=GENERATOR) for _ in range(2))
    assert sliced(one, other, 3) == sliced(one, other, 3) != sliced(one, other, 4)


def test_what_asks_for_tf32_gets_its_rounding_within_the_study_alone():
    """Ten bits of mantissa: off by 2^-11 at most a factor, and by more than float32 ever is."""
    left, right = (torch.randn((8, 8), generator=GENERATOR) for _ in range(2))
    exact = left @ right
    with emulated(), number_type.tf32(True):
        rounded = left @ right
    with emulated(), number_type.tf32(False):
        assert torch.equal(left @ right, exact)
    assert torch.equal(left @ right, exact)
    assert 1e-5 < float((rounded - exact).norm() / exact.norm()) < 2**-10


def test_emulated_bfloat16_errs_by_as_much_as_the_real_one():
    """Of du/dt of the study's network: 0.0178 of its norm emulated, 0.0203 in bfloat16 itself."""
    net, batch = (
        randomised_unet(0, configured("fp32", 0).unet),
        draw_batch(0, 4, fm="no", t_min=0.1, shape=(4, 8, 8, 8)),
    )
    z = interpolate(batch.x, batch.e, batch.t_B)
    point = [part.float() for part in (z, batch.r_B, batch.t_B, batch.e - batch.x)]

    def derivative(precision):
        return exact_derivative(lambda *arguments: net(*arguments).prediction, *point, precision).dudt

    exact, narrow = derivative("fp32"), derivative("bf16")
    with emulated():
        assert torch.equal(derivative("fp32"), exact)
        ratio = relative_error(derivative("bf16"), exact) / relative_error(narrow, exact)
    assert 0.7 <= ratio <= 1.3


def test_settings_of_a_pair_differ_in_the_number_type_alone():
    """Everything else of two trainings of a seed is the same."""
    first, second = (configured(kind, 1).model_dump() for kind in ("fp32", "bf16"))
    assert first["meanflow"].pop("derivative_precision") == "fp32"
    assert second["meanflow"].pop("derivative_precision") == "bf16"
    assert first == second
    assert first["training"]["seed"] == 1


def test_the_table_holds_each_training_against_its_own_in_float32():
    """Means over seeds, and the differences seed by seed, in percent."""
    lines = table(as_frame(ROWS)).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == list(KINDS)
    assert lines[2].split("|")[2].strip() == "2 (1 to 3)"
    assert lines[3].split("|")[2].strip() == "2.01 (+1 %, +0.5 %, +0.33 %)"


def test_rows_are_kept_and_checked(tmp_path):
    """What is written is read back to six digits; a row twice, or a loss that is none, is refused."""
    frame = as_frame(ROWS)
    write(frame, tmp_path / "new")
    pd.testing.assert_frame_equal(read_exact(tmp_path / "new" / "trainings.csv"), frame, rtol=1e-6)
    for bad in ([*ROWS, ROWS[0]], [Trained("fp32", 0, float("nan"), 1.0, 1.0, 1.0, 1.0)]):
        with pytest.raises(Exception, match=r"unique|greater_than|null"):
            SCHEMA.validate(pd.DataFrame([vars(row) for row in bad]))
