"""Scans that cannot be used are set aside with the reason, up to the share that the configuration allows."""

from __future__ import annotations

import pandas
import pytest

from neuromf.data.cohort import discover_scans
from neuromf.data.quarantine import QUARANTINE_FILE, most_quarantined
from neuromf.errors import InputError
from tests.support.bad_scans import write_bad, write_good
from tests.support.encoded_cohort import encode, encoded_here


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Six good scans and one of each bad kind, nine."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    write_good(tmp_path / "scans", 6)
    write_bad(tmp_path / "scans")
    return tmp_path / "scans"


def test_a_cohort_goes_on_without_what_is_allowed_to_be_bad(root, tmp_path):
    """Nine of fifteen are named in the store, with reasons; it is the store of a folder without them."""
    store = encode(root, share=0.6)
    aside = pandas.read_csv(store / QUARANTINE_FILE)
    assert len(aside) == 9
    assert aside["problem"].str.len().min() > 10
    for path in aside["path"]:
        (root / path).unlink()
    assert encode(root, share=0.0) == store


@pytest.mark.law("DATA-004")
def test_one_more_than_allowed_ends_it_and_keeps_the_others(root, tmp_path):
    """The sentence names them; what was encoded is not encoded again."""
    with pytest.raises(InputError, match=r"9 of 15 scans cannot be used .*max_quarantined allows 8"):
        encode(root, share=8 / 15)
    assert len(encoded_here(tmp_path / "cache")) == 6
    encode(root, share=0.6)
    assert len(encoded_here(tmp_path / "cache")) == 6


def test_a_refused_scan_is_not_read_again(root, monkeypatch):
    """Its content is known to be bad, in whatever folder it lies."""
    encode(root, share=0.6)
    monkeypatch.setattr("neuromf.data.prepared.read_volume", lambda path: pytest.fail(f"{path} was read again"))
    assert len(discover_scans(root)) == 15
    encode(root, share=0.6)


@pytest.mark.law("DATA-004")
@pytest.mark.parametrize(("share", "scans", "most"), [(0.01, 99, 0), (0.01, 100, 1), (0.01, 200, 2), (0.29, 100, 29)])
def test_the_share_is_rounded_down(share, scans, most):
    """0.29 of 100 are 29, whatever 0.29 times 100 is in binary."""
    assert most_quarantined(share, scans) == most
