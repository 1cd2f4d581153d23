"""What is said of the number types of du/dt is what the kept trainings show."""

from neuromf.trace.exact import read_exact
from tools.studies.derivative_precision.table import FOLDER, NUMBERS, SCHEMA, on_page, read
from tools.studies.derivative_precision.trainings import KINDS
from tools.studies.latent_training import SEEDS


def test_the_page_shows_the_table_of_the_kept_trainings():
    """Every pair is there, and the table is made of them."""
    kept, page = read(), (FOLDER / "README.md").read_text()
    assert SCHEMA.validate(read_exact(FOLDER / "trainings.csv")).equals(kept)
    assert set(zip(kept["precision"], kept["seed"], strict=True)) == {(kind, seed) for kind in KINDS for seed in SEEDS}
    assert page.count("<!-- table: begin -->") == page.count("<!-- table: end -->") == 1
    assert on_page(page, kept) == page


def test_no_number_type_changes_a_result_by_as_much_as_a_seed_does():
    """The largest change within a pair is below the spread of float32 over seeds, for losses and samples alike."""
    wide = read().set_index(["precision", "seed"])
    for name in NUMBERS:
        single = wide[name]["fp32"]
        spread = single.max() / single.min() - 1
        for kind in ("tf32", "bf16"):
            assert (wide[name][kind] / single - 1).abs().max() < spread, (name, kind)


def test_every_training_beats_noise():
    """One-step samples are nearer the latents than noise is, by a factor of five."""
    kept = read()
    assert (5 * kept["one_step"] < kept["noise"]).all()
