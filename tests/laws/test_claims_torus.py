"""Claims of the review about the torus, from the sweep of data_proportion that `golden/torus` keeps (`claims.toml`)."""

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


def means(rows, objective, dims, measure):
    """Mean of a measure over the paired seeds, by share."""
    chosen = rows[(rows["objective"] == objective) & (rows["dims"] == dims)]
    return chosen.groupby("share")[measure].mean()
