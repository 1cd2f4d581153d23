"""Claims of the review about the torus, from the sweep of data_proportion that `golden/torus` keeps (`claims.toml`)."""

import numpy as np
import pytest
from neuromf_spec.claims import claims

from tools.studies.torus.plan import SHARES
from tools.studies.torus.tables import SHARE_SCHEMA, differences, read_rows

RECOMPUTED = {row.id: row.recomputed for row in claims()}
MEASURES = ("distance", "wasserstein")


@pytest.fixture(scope="module")
def rows():
    """The kept sweep."""
    return read_rows("data_proportion", SHARE_SCHEMA)


def means(rows, dims, measure):
    """Mean of a measure over the paired seeds, in the order of the shares, with the objective of `recommended`."""
    chosen = rows[(rows["objective"] == "recommended") & (rows["dims"] == dims)]
    return chosen.groupby("share")[measure].mean().loc[list(SHARES)].to_numpy()


def words(values):
    return ", ".join(f"{value:.3f}" for value in values)


def test_a_share_of_a_quarter_is_not_the_best_on_the_torus(rows):
    """Share 0 is nearer to the distribution than 0.25 in paired seeds, 0.5 and more are farther, 1 learns nothing."""
    found = means(rows, 4, "wasserstein")
    assert RECOMPUTED["CLAIM-63"].startswith(f"Wasserstein distance {words(found)} at 0, 0.25, 0.5, 0.75, 1")
    lower, upper = differences(rows, "recommended", 4, "wasserstein", 0.0)
    assert lower < upper < 0  # the 95 % interval of 0 against 0.25
    for share in (0.5, 0.75, 1.0):
        assert differences(rows, "recommended", 4, "wasserstein", share)[0] > 0
    assert found[-1] > 0.2  # noise itself is at 0.20


def test_the_order_of_shares_is_that_of_64_dims(rows):
    """In 64 dims as in 4 every larger share is worse by either measure, and 0.75 surely worse than 0.25."""
    for dims in (4, 64):
        for measure in MEASURES:
            assert (np.diff(means(rows, dims, measure)) > 0).all()
            assert differences(rows, "recommended", dims, measure, 0.75)[0] > 0
    expected = f"64 dims {words(means(rows, 64, 'wasserstein'))}, 4 dims {words(means(rows, 4, 'wasserstein'))}"
    assert RECOMPUTED["CLAIM-64"].startswith(expected)
