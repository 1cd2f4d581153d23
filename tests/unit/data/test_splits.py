"""Subject-level splits: a function of the set of ids, the ratios and the seed alone (DATA-002)."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromf.data.splits import SPLIT_NAMES, split_subjects
from neuromf.errors import InputError

RATIOS = (0.7, 0.2, 0.1)
id_sets = st.sets(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), min_size=1, max_size=40)


@st.composite
def ratio_triples(draw):
    parts = [draw(st.integers(0, 20)) for _ in range(3)]
    total = sum(parts) or 1
    return (parts[0] / total, parts[1] / total, parts[2] / total) if sum(parts) else (1.0, 0.0, 0.0)


@given(id_sets, st.integers(0, 2**32), ratio_triples(), st.randoms())
def test_order_and_repetition_do_not_matter(ids, seed, ratios, random):
    """Shuffling and repeating the ids gives the same split."""
    shuffled = [*ids, *random.sample(sorted(ids), len(ids) // 2)]
    random.shuffle(shuffled)
    assert split_subjects(shuffled, ratios, seed) == split_subjects(sorted(ids), ratios, seed)


@given(id_sets, st.integers(0, 2**32), ratio_triples())
def test_counts_follow_the_ratios(ids, seed, ratios):
    """Each split's count is within one of its exact share, apart from the one subject that must train."""
    split = split_subjects(ids, ratios, seed)
    assert set(split) == ids
    counts = [list(split.values()).count(name) for name in SPLIT_NAMES]
    assert counts[0] >= 1
    if round(ratios[0] * len(ids)) >= 1:
        assert all(abs(count - ratio * len(ids)) < 1 + 1e-6 for count, ratio in zip(counts, ratios, strict=True))


def test_largest_remainder_is_rounded_up():
    """Ten subjects at 0.75/0.15/0.10 give 8, 1 and 1: of the equal remainders 0.5 the first split takes the odd one."""
    counts = list(split_subjects([f"s{i}" for i in range(10)], (0.75, 0.15, 0.10), 0).values())
    assert [counts.count(name) for name in SPLIT_NAMES] == [8, 1, 1]


def test_another_seed_gives_another_split():
    """The seed decides who is held out."""
    ids = [f"s{i}" for i in range(30)]
    assert split_subjects(ids, RATIOS, 0) != split_subjects(ids, RATIOS, 1)


def test_recorded_assignment_holds():
    """The split of six known ids is the recorded one on every platform and library version."""
    split = split_subjects(["a", "b", "c", "d", "e", "f"], (0.5, 0.25, 0.25), 42)
    assert split == {
        "d": "train", "e": "train", "f": "train", "b": "validation", "c": "validation", "a": "test"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ratios", "words"),
    [
        ((0.5, 0.5, 0.1), "sum to 1.1"),
        ((1.1, -0.1, 0.0), "not >= 0"),
        ((float("nan"), 0.5, 0.5), "not >= 0"),
        ((0.5, 0.5), "2 ratios"),
    ],
)
def test_bad_ratios_are_refused(ratios, words):
    """Ratios that are negative, NaN, too few or do not sum to one are an InputError that shows them."""
    with pytest.raises(InputError, match=words):
        split_subjects(["a"], ratios, 0)


def test_no_subject_is_refused():
    """An empty set of ids is an InputError."""
    with pytest.raises(InputError, match="no subject"):
        split_subjects([], RATIOS, 0)


@pytest.mark.parametrize("module", ["splits", "cohort", "nifti", "demo", "content"])
def test_light_modules_do_not_import_torch(module):
    """Modules that need no tensors do not make their users wait for torch or MONAI."""
    code = f"import sys, neuromf.data.{module}; sys.exit('torch' in sys.modules or 'monai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
