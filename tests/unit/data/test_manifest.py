"""The manifest's schema: every damaged table is one clear sentence."""

import pytest

from neuromf.data.manifest import read_manifest, table_moments, write_manifest
from neuromf.data.statistics import ChannelMoments
from neuromf.errors import InputError

MEANS = (0.1, -0.2, 1 / 3, 1e-17)
STDS = (1.0, 2.0, 2 / 3, 0.5)


def row(scan_id, subject, split, changes=None):
    values = {f"mean_{i}": value for i, value in enumerate(MEANS)} | {f"std_{i}": value for i, value in enumerate(STDS)}
    return {
        "scan_id": scan_id,
        "subject": subject,
        "split": split,
        "file": f"scans/{scan_id}.safetensors",
        "sha256": "0" * 64,
        "shape": "4x2x3x5",
        **values,
    } | (changes or {})


def test_round_trip_keeps_ids_and_digits(tmp_path):
    """Ids that look like numbers or NA stay text, and floats keep every digit."""
    path = tmp_path / "manifest.csv"
    write_manifest(path, [row("007", "1e5", "train"), row("NA", "null", "test"), row("a,b", 'q"', "validation")])
    manifest = read_manifest(path)
    assert list(manifest["scan_id"]) == ["007", "NA", "a,b"]
    assert list(manifest["subject"]) == ["1e5", "null", 'q"']
    assert table_moments(manifest)[0] == ChannelMoments(MEANS, STDS, 30)


def test_names_that_are_no_utf_8_come_back(tmp_path):
    """A file's name is bytes; one that no text holds is written and read as it is."""
    path = tmp_path / "manifest.csv"
    write_manifest(path, [row("sub-\udcff1", "sub-\udcff1", "train")])
    assert list(read_manifest(path)["scan_id"]) == ["sub-\udcff1"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"split": "training"}, "isin"),
        ({"sha256": "xyz"}, "str_matches"),
        ({"shape": "3x2x3x5"}, "str_matches"),
        ({"shape": "4x0x3x5"}, "str_matches"),
        ({"file": "scans/other.safetensors"}, "not its scan's file"),
        ({"mean_1": "nan"}, "mean_1: line 3: nan"),
        ({"mean_1": "inf"}, "in_range"),
        ({"mean_1": "high"}, "'high' breaks"),
        ({"std_2": 0.0}, "greater_than"),
        ({"std_2": ""}, "std_2"),
        ({"subject": ""}, "str_length"),
        ({"scan_id": "../escape"}, "str_matches"),
        ({"file": "../../etc/passwd.safetensors"}, "str_matches"),
        ({"scan_id": "a", "file": "scans/c.safetensors"}, "field_uniqueness"),
        ({"shape": "4x2x3x6"}, "several shapes"),
    ],
)
def test_bad_cell_is_refused(tmp_path, changes, words):
    """A value out of its column's domain is an InputError that names file and reason."""
    path = tmp_path / "manifest.csv"
    write_manifest(path, [row("a", "s", "train"), row("b", "t", "test", changes)])
    with pytest.raises(InputError, match=words) as caught:
        read_manifest(path)
    assert caught.value.file == str(path)


@pytest.mark.law("DATA-002")
def test_subject_in_two_splits_is_refused(tmp_path):
    """One subject's two scans in two splits are an InputError that names the subject."""
    write_manifest(tmp_path / "manifest.csv", [row("a", "s", "train"), row("b", "s", "test")])
    with pytest.raises(InputError, match="'s' is in more than one split"):
        read_manifest(tmp_path / "manifest.csv")


def without_column(text):
    return "\n".join(line.split(",", 1)[1] for line in text.splitlines())


def swapped_columns(text):
    return text.replace("scan_id,subject", "subject,scan_id", 1)


@pytest.mark.parametrize(
    "damage",
    [
        without_column,
        swapped_columns,
        lambda text: text.splitlines()[0],
        lambda text: "",
        lambda text: text.replace("mean_0", "mean_0,extra", 1),
        lambda text: text + "one,two\nthree\n" * 2,
        lambda text: "\x00\x01binary",
    ],
)
def test_damaged_table_is_refused(tmp_path, damage):
    """Missing, swapped, extra or no columns, no rows, and files that are no table are an InputError."""
    path = tmp_path / "manifest.csv"
    write_manifest(path, [row("a", "s", "train")])
    path.write_text(damage(path.read_text()))
    with pytest.raises(InputError) as caught:
        read_manifest(path)
    assert caught.value.file == str(path)


def test_missing_manifest_is_refused(tmp_path):
    """No manifest is an InputError."""
    with pytest.raises(InputError, match="no manifest"):
        read_manifest(tmp_path / "manifest.csv")
