"""What the page on evaluation says of a smoke training is what was kept of its evaluation."""

from neuromf.evaluation.metrics.catalogue import BY_KEY
from tools.marked_block import replace_block
from tools.studies.evaluated_smoke import BLOCK, COLUMNS, PAGE, SHOWN, read, table


def measured(key):
    """Each column's number."""
    return {row["name"]: row["measures"].get(key) for row in read()["rows"]}


def test_the_pages_table_is_made_of_the_kept_evaluation():
    """To the last digit."""
    text = PAGE.read_text(encoding="utf-8")
    assert table(read()) in text
    assert replace_block(text, BLOCK, table(read())) == text


def test_a_table_holds_every_number_with_its_interval():
    """A row a number, a column a source."""
    lines = table(read()).splitlines()
    assert len(lines) == 2 + len(SHOWN)
    assert all(line.count("|") == len(COLUMNS) + 2 for line in lines)
    assert lines[2].startswith("| sliced Wasserstein (1e-3 latent) | 216 (199 to 235) |")


def test_one_step_is_farther_than_fifty_by_latents_alone():
    """Beyond both intervals for sliced Wasserstein; features cannot tell them apart."""
    latents, features = measured("sliced_wasserstein"), measured("frechet_25d")
    one, fifty = COLUMNS[:2]
    assert latents[one]["low"] > latents[fifty]["high"]
    assert features[one]["low"] < features[fifty]["value"] < features[one]["high"]


def test_samples_lie_between_real_scans_and_the_mean_image():
    """By every distance of latents and features, and by the spectrum; the volume of grey matter is too uncertain."""
    for key in ("sliced_wasserstein", "mmd", "frechet_25d", "frechet_3d", "spectrum"):
        assert BY_KEY[key].good == "low"
        found = measured(key)
        for name in COLUMNS[:2]:
            assert found["training scans"]["high"] < found[name]["low"]
            assert found[name]["high"] < found["mean image"]["low"]


def test_every_law_holds_of_the_kept_evaluation():
    """A healthy training of a quarter of an hour is called so."""
    kept = read()
    assert kept["judged"] == "holds"
    assert {verdict["judged"] for verdict in kept["verdicts"]} == {"holds"}
    assert len(kept["verdicts"]) == 4
