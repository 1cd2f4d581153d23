"""Every layout that exists, of the real MNI152 head, is indexed right: scans, subjects, sessions, and why not."""

from __future__ import annotations

import nibabel
import pytest
from nibabel.orientations import axcodes2ornt

from neuromf.data.index.build import Asked, index_folder
from neuromf.data.index.summary import index_lines
from neuromf.data.naming import Naming
from neuromf.data.versions import Wanted
from tests.support import layouts


def taken(index):
    return {str(row.scan.path.relative_to(index.root)): (row.scan.subject, row.scan.session) for row in index.taken}


def reasons(index):
    return {str(row.scan.path.relative_to(index.root)): row.reason for row in index.rows if row.reason}


@pytest.mark.law("DATA-002")
@pytest.mark.parametrize("layout", ["auto", "fomo"])
def test_fomo_is_indexed(tmp_path, layout):
    """FOMO-60K: equal numbers of two data sets are two people, repeats and sessions are one person's."""
    index = index_folder(layouts.fomo(tmp_path), Asked(Naming(layout)))
    one = "PT001_OASIS1/sub_1"
    assert taken(index) == {
        "PT001_OASIS1/sub_1/ses_1/t1.nii.gz": (one, "ses_1"),
        "PT001_OASIS1/sub_1/ses_1/t1_2.nii.gz": (one, "ses_1"),
        "PT001_OASIS1/sub_1/ses_2/t1.nii.gz": (one, "ses_2"),
        "PT001_OASIS1/sub_2/ses_1/t1.nii.gz": ("PT001_OASIS1/sub_2", "ses_1"),
        "PT005_IXI/sub_1/ses_1/t1.nii.gz": ("PT005_IXI/sub_1", "ses_1"),
    }
    assert {row.scan.dataset for row in index.taken} == {"PT001_OASIS1", "PT005_IXI"}
    assert reasons(index) == {
        "PT005_IXI/sub_1/ses_1/t2.nii.gz": "its name says T2w",
        "PT005_IXI/sub_1/ses_1/pd.nii.gz": "its name says PDw",
    }


def test_the_table_of_fomo_tells_sessions_and_data_sets_apart(tmp_path):
    """Age is that of the session, and of the data set's own sub_1."""
    index = index_folder(layouts.fomo(tmp_path))
    ages = {str(row.scan.path.relative_to(tmp_path)): row.known["age"] for row in index.taken}
    assert ages["PT001_OASIS1/sub_1/ses_1/t1.nii.gz"] == "74"
    assert ages["PT001_OASIS1/sub_1/ses_2/t1.nii.gz"] == "75"
    assert ages["PT005_IXI/sub_1/ses_1/t1.nii.gz"] == "35"
    assert {row.scan.group for row in index.taken} == {"nondemented", "", "Control"}


@pytest.mark.law("DATA-002")
@pytest.mark.parametrize("layout", ["auto", "oasis"])
def test_oasis_is_indexed(tmp_path, layout):
    """OASIS: MR1 and MR2 are one person; tissue classes are set aside."""
    index = index_folder(layouts.oasis(tmp_path), Asked(Naming(layout)))
    assert len(index.taken) == 6
    assert set(taken(index).values()) == {("OAS1_0001", "MR1"), ("OAS1_0001", "MR2"), ("OAS1_0002", "MR1")}
    assert set(reasons(index).values()) == {"its name says label map"}
    assert len(reasons(index)) == 3


@pytest.mark.parametrize("layout", ["auto", "ixi"])
def test_ixi_is_indexed(tmp_path, layout):
    """IXI: the T2 and PD images of a person are set aside."""
    index = index_folder(layouts.ixi(tmp_path), Asked(Naming(layout)))
    assert taken(index) == {
        "IXI-T1/IXI002-Guys-0828-T1.nii.gz": ("IXI002", "0828"),
        "IXI-T1/IXI012-HH-1211-T1.nii.gz": ("IXI012", "1211"),
    }
    assert sorted(reasons(index).values()) == ["its name says PDw", "its name says T2w"]


@pytest.mark.law("DATA-002")
@pytest.mark.parametrize("layout", ["auto", "bids"])
def test_bids_is_indexed_and_raw_goes_before_derivatives(tmp_path, layout):
    """BIDS: sessions, runs and acquisitions of a person are theirs; no derivative counts as a further head."""
    index = index_folder(layouts.bids(tmp_path), Asked(Naming(layout)))
    assert taken(index) == {
        "sub-01/ses-pre/anat/sub-01_ses-pre_acq-mprage_run-1_T1w.nii.gz": ("sub-01", "ses-pre"),
        "sub-01/ses-pre/anat/sub-01_ses-pre_acq-mprage_run-2_T1w.nii.gz": ("sub-01", "ses-pre"),
        "sub-01/ses-post/anat/sub-01_ses-post_T1w.nii.gz": ("sub-01", "ses-post"),
        "sub-02/anat/sub-02_T1w.nii.gz": ("sub-02", ""),
    }
    assert [row.scan.group for row in index.taken] == ["patient"] * 3 + ["control"]
    left = reasons(index)
    assert left["sub-02/func/sub-02_task-rest_bold.nii.gz"] == "its name says functional"
    assert sum("derivatives" in reason for reason in left.values()) == 10


@pytest.mark.parametrize(
    ("wanted", "ending"),
    [
        (Wanted(), "_desc-preproc_T1w.nii.gz"),
        (Wanted(desc="preproc"), "_desc-preproc_T1w.nii.gz"),
        (Wanted(space="MNI152NLin2009cAsym"), "_space-MNI152NLin2009cAsym_res-1_desc-preproc_T1w.nii.gz"),
    ],
)
def test_of_derivatives_one_version_of_a_head_is_taken(tmp_path, wanted, ending):
    """A derivatives folder gives a person one head, in their own space or in the one that is asked for."""
    index = index_folder(layouts.derived(tmp_path), Asked(wanted=wanted))
    assert sorted(taken(index)) == [f"{name}/anat/{name}{ending}" for name in ("sub-01", "sub-02")]


def test_derivatives_that_are_asked_for_go_before_raw_scans(tmp_path):
    """`desc` and `space` choose among derivatives, and the raw scans are told to be none of them."""
    index = index_folder(layouts.bids(tmp_path), Asked(wanted=Wanted(desc="preproc")))
    assert {path.rpartition("/")[2] for path in taken(index)} == {
        "sub-01_desc-preproc_T1w.nii.gz", "sub-02_desc-preproc_T1w.nii.gz",
    }  # fmt: skip
    assert reasons(index)["sub-02/anat/sub-02_T1w.nii.gz"] == "its name has no desc-preproc"


@pytest.mark.law("DATA-004")
def test_a_link_of_openneuro_without_content_is_named(tmp_path):
    """DataLad: what is fetched is taken, what is not is in the table with the command that fetches it."""
    index = index_folder(layouts.openneuro(tmp_path))
    assert taken(index) == {"sub-01/anat/sub-01_T1w.nii.gz": ("sub-01", "")}
    assert reasons(index) == {"sub-02/anat/sub-02_T1w.nii.gz": "a link without content: `git annex get` fetches it"}


@pytest.mark.law("DATA-002")
def test_a_flat_folder_is_indexed_and_voxels_tell_what_names_do_not(tmp_path):
    """Visits are one person's; labels, a localiser, a T2 and a series with plain names are set aside by voxels."""
    index = index_folder(layouts.flat(tmp_path))
    assert {path: subject for path, (subject, _) in taken(index).items()} == {
        "anna_visit1.nii.gz": "anna", "anna_visit2.nii.gz": "anna",
        "berta_visit1.nii.gz": "berta_visit1", "case7.nii.gz": "case7",
    }  # fmt: skip
    left = reasons(index)
    assert left["carla_result.nii.gz"] == "its voxels are labels: whole numbers in patches"
    assert left["dora_first.nii.gz"] == "a localiser or a slab: 9 slices along an axis"
    assert left["emil_extra.nii.gz"].startswith("its voxels look T2-weighted")
    assert left["frida_run.nii.gz"] == "a series of 3 volumes, not one head"


@pytest.mark.law("DATA-002")
def test_a_pattern_names_the_parts_of_a_name(tmp_path):
    """Named groups give subject, session, data set and group; what does not match is set aside with that reason."""
    index = index_folder(layouts.own(tmp_path), Asked(Naming(pattern=layouts.OWN_PATTERN)))
    rows = [(row.scan.subject, row.scan.session, row.scan.dataset, row.scan.group) for row in index.taken]
    assert rows == [("p07", "1", "KB", "pat"), ("p07", "2", "KB", "pat"), ("p07", "1", "MR", "con")]
    assert reasons(index) == {"x/readme_p.nii.gz": "it does not match the pattern"}


@pytest.mark.parametrize(("layout", "other"), [("ixi", layouts.oasis), ("fomo", layouts.ixi), ("oasis", layouts.fomo)])
def test_a_file_of_another_layout_is_told_to_be_none_of_it(tmp_path, layout, other):
    """Where one layout is asked for, nothing else is guessed."""
    other(tmp_path / "other")
    {"ixi": layouts.ixi, "fomo": layouts.fomo, "oasis": layouts.oasis}[layout](tmp_path / "right")
    index = index_folder(tmp_path, Asked(Naming(layout)))
    assert all(path.startswith("right/") for path in taken(index))
    assert f"its name is none of the layout {layout}" in reasons(index).values()


def test_data_sets_of_several_layouts_below_one_root_are_all_taken(tmp_path):
    """What marks T1-weighted scans in one data set says nothing of the names of another."""
    layouts.fomo(tmp_path / "fomo")
    layouts.bids(tmp_path / "bids")
    layouts.oasis(tmp_path / "oasis")
    index = index_folder(tmp_path, Asked(voxels=False))
    assert {row.scan.dataset for row in index.taken} == {"PT001_OASIS1", "PT005_IXI", "bids", "OASIS-1 and OASIS-2"}
    assert len(index.taken) == 5 + 4 + 6


@pytest.mark.law("DATA-002")
def test_the_same_voxels_under_two_names_are_one_scan_of_one_person(tmp_path):
    """A head that two data sets hold, here stored along other axes, is kept once, and its two subjects become one."""
    layouts.fomo(tmp_path / "fomo")
    layouts.oasis(tmp_path / "oasis")
    first = tmp_path / "oasis" / "disc1" / "OAS1_0002_MR1" / "RAW" / "OAS1_0002_MR1_mpr-1_anon.nii.gz"
    turned = nibabel.load(first).as_reoriented(axcodes2ornt("LPI"))
    nibabel.save(turned, tmp_path / "fomo" / "PT001_OASIS1" / "sub_2" / "ses_1" / "t1.nii.gz")
    index = index_folder(tmp_path)
    twin = next(row for row in index.rows if row.reason.startswith("the same voxels"))
    assert (twin.scan.subject, twin.reason.rpartition(": ")[2]) == ("OAS1_0002", str(first))
    assert "joined with OAS1_0002" in twin.cells()["notes"]
    assert len(index.taken) == 5 + 6 - 1
    assert any("the same voxels as another scan" in line for line in index_lines(index))
