"""What of a folder is trained on, what is left out and why, and whose scans they are."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from neuromf_spec.registry import law

from neuromf.data.cohort import discover_scans, select_scans
from neuromf.data.splits import split_subjects
from neuromf.errors import InputError


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def taken(root):
    return sorted(str(scan.path.relative_to(root)) for scan in select_scans(root).scans)


def left(root):
    return {str(one.scan.path.relative_to(root)): one.reason for one in select_scans(root).left}


LAYOUTS = {
    "OASIS-1": ["OAS1_{i:04d}_MR1", "OAS1_{i:04d}_MR2"],
    "OASIS-2": ["OAS2_{i:04d}_MR1/RAW/mpr-1", "OAS2_{i:04d}_MR2/RAW/mpr-1"],
    "OASIS-3": ["OAS3{i:04d}_MR_d0129", "OAS3{i:04d}_MR_d1500"],
    "OASIS-3 in two layouts": ["OAS3{i:04d}_MR_d0129_T1w", "sub-OAS3{i:04d}_ses-d1500_T1w"],
    "IXI in two folders": ["IXI-T1/IXI{i:03d}-Guys-0841-T1", "preprocessed/IXI{i:03d}-Guys-0841-T1"],
    "ADNI": ["ADNI_002_S_{i:04d}_MR_MPRAGE_S1_I1", "ADNI_002_S_{i:04d}_MR_MPRAGE_S2_I2"],
    "ADNI in two layouts": ["ADNI_002_S_{i:04d}_MR_MPRAGE_T1w", "sub-ADNI002S{i:04d}_ses-M00_T1w"],
    "FOMO-60K": ["PT001_OASIS1/sub_{i}/ses_1/t1", "PT001_OASIS1/sub_{i}/ses_2/t1", "PT001_OASIS1/sub_{i}/ses_2/t1_2"],
    "INDI": ["NYU/005{i:04d}/session_1/anat_1/mprage", "NYU/005{i:04d}/session_2/anat_1/mprage"],
    "BraTS 2023": ["BraTS-GLI-{i:05d}-000-t1n", "BraTS-GLI-{i:05d}-001-t1n"],
    "two BIDS sites": ["site-A/sub-{i:02d}/anat/sub-{i:02d}_T1w", "site-B/sub-{i:02d}/anat/sub-{i:02d}_T1w"],
    "visits in flat names": ["anna{i:02d}_visit1", "anna{i:02d}_visit2"],
    "a folder a person": ["p{i:02d}/t1", "p{i:02d}/t1_brain"],
    "visits below a folder a person": ["p{i:02d}/visit1/t1", "p{i:02d}/visit2/t1"],
    "one name in two folders": ["raw/p{i:02d}", "skullstripped/p{i:02d}"],
}


@pytest.mark.law("DATA-002")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_person_is_in_two_splits_in_any_layout(tmp_path, layout):
    """Thirty people with several scans each, named as data sets name them: each is one subject, and in one split."""
    people = {}
    for index in range(1, 31):
        for name in LAYOUTS[layout]:
            path = name.format(i=index) + ".nii.gz"
            touch(tmp_path, path)
            people[path] = index

    scans = discover_scans(tmp_path)
    splits = split_subjects((scan.subject for scan in scans), (0.5, 0.25, 0.25), 42)

    homes = {(people[str(scan.path.relative_to(tmp_path))], splits[scan.subject]) for scan in scans}
    assert len(scans) == len(people)
    assert len({scan.scan_id for scan in scans}) == len(people)
    assert len({scan.subject for scan in scans}) == 30
    assert law("DATA-002").predicate(shared_subjects=len(homes) - 30).passed


def test_equal_ids_of_two_fomo_data_sets_are_two_subjects(tmp_path):
    """FOMO-60K counts its subjects anew in each data set, and says so by its folders."""
    touch(tmp_path, "PT001_OASIS1/sub_1/ses_1/t1.nii.gz", "PT005_IXI/sub_1/ses_1/t1.nii.gz")
    scans = discover_scans(tmp_path)
    assert [(scan.subject, scan.session, scan.dataset) for scan in scans] == [
        ("PT001_OASIS1/sub_1", "ses_1", "PT001_OASIS1"),
        ("PT005_IXI/sub_1", "ses_1", "PT005_IXI"),
    ]
    assert scans[0].scan_id == "PT001_OASIS1_sub_1_ses_1_t1"


def test_one_id_in_two_data_set_folders_is_one_person_and_told(tmp_path):
    """Two sites below one root do not collide: their scans are kept apart, their equal subjects are not split."""
    touch(tmp_path, "site-A/sub-01/anat/sub-01_T1w.nii.gz", "site-B/sub-01/anat/sub-01_T1w.nii.gz")
    selection = select_scans(tmp_path)
    assert [(scan.scan_id, scan.subject, scan.dataset) for scan in selection.scans] == [
        ("site-A_sub-01_anat_sub-01_T1w", "sub-01", "site-A"),
        ("site-B_sub-01_anat_sub-01_T1w", "sub-01", "site-B"),
    ]
    assert any("sub-01 is in site-A and site-B" in line for line in selection.lines())


def test_a_guessed_subject_is_said_to_be_guessed(tmp_path):
    """Where no rule names the subject, the scan says so, and so do the printed lines."""
    touch(tmp_path, "head7.nii.gz", "sub-01_T1.nii.gz", "IXI001-Guys-0841-T1.nii.gz")
    selection = select_scans(tmp_path)
    assert {scan.subject: scan.guessed for scan in selection.scans} == {"head7": True, "sub-01": False, "IXI001": False}
    advice = "name files or folders sub-..., or scans of one person may come into two splits"
    assert f"1 scan with a guessed subject (first 'head7'): {advice}" in selection.lines()


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (["alice_1", "alice_2", "bob_1"], ("alice_1", "alice_2")),
        (["p01_scan1", "p01_scan2"], ("p01_scan1", "p01_scan2")),
        (["patient_01_1", "patient_01_2"], ("patient_01_1", "patient_01_2")),
        (["k7_T1", "k7_T1_brain"], ("k7_T1", "k7_T1_brain")),
        (["subject_1", "subject_2"], None),
        (["scan_0001", "scan_0002"], None),
        (["patient_01", "patient_02"], None),
        (["a", "b", "submarine-1"], None),
    ],
)
def test_guessed_subjects_that_look_like_one_person_are_named(tmp_path, names, pair):
    """Names that differ in a scan's number alone are shown as a pair; numbered subjects are none."""
    touch(tmp_path, *(f"{name}.nii.gz" for name in names))
    selection = select_scans(tmp_path)
    assert selection.alike == pair
    assert any("look like one person" in line for line in selection.lines()) == (pair is not None)


def test_folders_that_could_each_be_the_person_are_refused(tmp_path):
    """Whether the site or the folder below is the person is not decided by chance."""
    touch(tmp_path, *(f"{site}/{person}/t1.nii.gz" for site in ("north", "south") for person in ("anna", "berta")))
    with pytest.raises(InputError, match="'north' or of 'anna'") as caught:
        discover_scans(tmp_path)
    assert "sub-" in caught.value.remedy
    assert caught.value.file == str(tmp_path)


def test_contrasts_are_counted_the_most_frequent_first(tmp_path):
    """Those of which nobody knows are counted as unknown."""
    names = ("sub-01/anat/sub-01_T1w", "sub-02/anat/sub-02_T1w", "sub-03/anat/sub-03_T1w")
    touch(tmp_path, *(f"{name}.nii.gz" for name in names))
    selection = select_scans(tmp_path)
    first, *others = selection.candidates
    selection = replace(selection, candidates=(replace(first, scan=replace(first.scan, modality="")), *others))
    assert selection.lines()[0] == f"3 scans of 3 subjects taken from {tmp_path}: 2 T1w, 1 an unknown contrast"


def test_a_scheme_that_was_read_rightly_keeps_its_ids(tmp_path):
    """BIDS subjects and ids are those of before, so that stores and their hashes stay."""
    touch(tmp_path, "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz", "sub-02/brain_T1w.nii.gz")
    assert [(scan.subject, scan.scan_id) for scan in discover_scans(tmp_path)] == [
        ("sub-01", "sub-01_ses-a_T1w"),
        ("sub-02", "sub-02_brain_T1w"),
    ]


@pytest.mark.parametrize(
    "name",
    ["IXI001-Guys-0841-T2", "IXI001-Guys-0841-PD", "p_seg", "mask", "labels/p", "aparc+aseg",
     "BraTS20_Training_001_t1ce", "BraTS-GLI-00000-000-t2f", "sub-01/anat/sub-01_FLAIR", "sub-01/dwi/sub-01_dwi",
     "sub-01/func/sub-01_task-rest_bold",
     "sub-01/anat/sub-01_label-GM_probseg", "50002/session_1/rest_1/rest", "k7_T1_brain_mask", "mwp1sub-01_T1w",
     "OAS1_0002_MR1_mpr_n4_anon_111_t88_masked_gfc_fseg", "icbm152_gm_tal_nlin", "T1_to_T2_warp"],
)  # fmt: skip
def test_other_contrasts_and_label_maps_beside_t1_are_left_out(tmp_path, name):
    """What a name says to be no T1-weighted head is not trained on beside one."""
    touch(tmp_path, "q_t1.nii.gz", f"{name}.nii.gz")
    assert taken(tmp_path) == ["q_t1.nii.gz"]
    assert left(tmp_path)[f"{name}.nii.gz"].startswith("its name says ")


@pytest.mark.parametrize(
    "name",
    ["IXI001-Guys-0841-T1", "PD_001", "MD_anna", "OAS1_0002_MR1_mpr_n4_anon_111_t88_masked_gfc", "k7_T1_to_T2",
     "100307/T1w/T1w_acpc_dc_restore_brain", "sub-01/anat/sub-01_UNIT1", "BraTS-GLI-00000-000-t1n", "flairbrother",
     "1000502_20252_2_0/T1/T1_brain_to_MNI"],
)  # fmt: skip
def test_a_t1_weighted_head_and_a_name_that_tells_nothing_are_taken(tmp_path, name):
    """Initials, groups and the space that a scan was brought to are no contrast."""
    touch(tmp_path, "q_t1.nii.gz", f"{name}.nii.gz")
    assert taken(tmp_path) == sorted(["q_t1.nii.gz", f"{name}.nii.gz"])


def test_t1w_files_are_taken_alone_and_the_second_layout_is_told(tmp_path):
    """Sixteen BIDS scans and sixteen flat ones below one root: the flat ones are left out, and that is said."""
    touch(tmp_path, *(f"sub-{i:02d}/anat/sub-{i:02d}_T1w.nii.gz" for i in range(16)))
    touch(tmp_path, *(f"flat/head{i:02d}.nii.gz" for i in range(16)))
    selection = select_scans(tmp_path)
    assert (len(selection.scans), len(selection.left)) == (16, 16)
    line = next(line for line in selection.lines() if "left out" in line)
    assert "16 files" in line
    assert "_T1w" in line
    assert "flat/head00.nii.gz" in line


def test_derivatives_are_left_out_beside_raw_scans_alone(tmp_path):
    """A person's preprocessed head beside the raw one is no further head; alone, or as the root, it is."""
    raw, derived = "sub-01/anat/sub-01_T1w.nii.gz", "derivatives/prep/sub-01/anat/sub-01_desc-preproc_T1w.nii.gz"
    touch(tmp_path, raw, derived)
    assert taken(tmp_path) == [raw]
    assert "derivatives" in left(tmp_path)[derived]
    assert len(discover_scans(tmp_path / "derivatives")) == 1
    (tmp_path / raw).unlink()
    assert taken(tmp_path) == [derived]


def test_a_cohort_of_one_other_contrast_is_taken_and_named(tmp_path):
    """Where every scan is T2-weighted nothing is mixed; the printed line says what is trained on."""
    touch(tmp_path, "sub-01_T2w.nii.gz", "sub-02_T2w.nii.gz", "sub-02_dseg.nii.gz")
    assert taken(tmp_path) == ["sub-01_T2w.nii.gz", "sub-02_T2w.nii.gz"]
    assert "2 T2w" in select_scans(tmp_path).lines()[0]


def test_a_folder_of_which_nothing_is_left_is_refused_with_the_reasons(tmp_path):
    """Masks and time series alone are an InputError that counts each reason and shows a file."""
    touch(tmp_path, "a_mask.nii.gz", "b_mask.nii.gz", "sub-1_bold.nii.gz", "c_T2.nii.gz", "d_FLAIR.nii.gz")
    with pytest.raises(InputError, match="no scan is left of 5 NIfTI files") as caught:
        discover_scans(tmp_path)
    assert "2 because its name says label map (first a_mask.nii.gz)" in caught.value.problem
    assert "1 because its name says functional (first sub-1_bold.nii.gz)" in caught.value.problem


def test_endings_in_capitals_are_read(tmp_path):
    """Names from systems that do not tell capitals apart do not drop out."""
    touch(tmp_path, "A.NII.GZ", "b.Nii", "c.nii.GZ")
    assert [scan.scan_id for scan in discover_scans(tmp_path)] == ["A", "b", "c"]


def test_one_name_with_both_endings_is_one_scan(tmp_path):
    """The uncompressed copy of a scan is left out."""
    touch(tmp_path, "a.nii.gz", "a.nii")
    assert taken(tmp_path) == ["a.nii.gz"]
    assert ".nii.gz" in left(tmp_path)["a.nii"]


def test_linked_folders_are_followed(tmp_path):
    """Subject folders that are links to another disk are read, with the name that they have here."""
    touch(tmp_path / "disk", "x/anat/sub-01_T1w.nii.gz", "y/brain_T1w.nii.gz")
    root = tmp_path / "root"
    root.mkdir()
    (root / "sub-01").symlink_to(tmp_path / "disk" / "x")
    (root / "sub-02").symlink_to(tmp_path / "disk" / "y")
    assert [scan.subject for scan in discover_scans(root)] == ["sub-01", "sub-02"]


def test_links_in_a_circle_end(tmp_path):
    """A link to a folder above, and a second link to a folder, are read once and told."""
    touch(tmp_path, "sub-01/sub-01_T1w.nii.gz")
    (tmp_path / "sub-01" / "up").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "sub-01")
    selection = select_scans(tmp_path)
    assert [str(scan.path.relative_to(tmp_path)) for scan in selection.scans] == ["sub-01/sub-01_T1w.nii.gz"]
    assert any("2 links to a folder that is read already" in line for line in selection.lines())


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_one_file_under_two_names_is_one_scan(tmp_path, link):
    """A second name of a file would put one head into two subjects."""
    touch(tmp_path, "sub-01_T1w.nii.gz")
    link(tmp_path / "sub-01_T1w.nii.gz", tmp_path / "sub-02_T1w.nii.gz")
    assert taken(tmp_path) == ["sub-01_T1w.nii.gz"]
    assert left(tmp_path)["sub-02_T1w.nii.gz"].startswith("the same file under another name")


def annex_link(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(f".git/annex/objects/{path.name}")


@pytest.mark.law("DATA-004")
def test_links_without_content_are_refused_with_count_first_and_remedy(tmp_path):
    """What DataLad has not fetched does not drop out of the cohort."""
    touch(tmp_path, "sub-01/anat/sub-01_T1w.nii.gz")
    for subject in ("sub-02", "sub-03"):
        annex_link(tmp_path / subject / "anat" / f"{subject}_T1w.nii.gz")
    with pytest.raises(InputError, match="2 links here without content") as caught:
        discover_scans(tmp_path)
    assert "sub-02/anat/sub-02_T1w.nii.gz" in caught.value.problem
    assert "datalad get" in caught.value.remedy
    assert "git annex get" in caught.value.remedy


def test_links_without_content_that_would_be_left_out_are_no_matter(tmp_path):
    """Whoever fetched the T1-weighted scans alone trains on them."""
    touch(tmp_path, "sub-01/anat/sub-01_T1w.nii.gz")
    annex_link(tmp_path / "sub-01" / "func" / "sub-01_task-rest_bold.nii.gz")
    assert taken(tmp_path) == ["sub-01/anat/sub-01_T1w.nii.gz"]


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/annex/objects/SHA256E-s1--0.nii.gz\n", "git annex get"),
        ("version https://git-lfs.github.com/spec/v1\n", "git lfs"),
    ],
)
def test_a_text_that_stands_for_a_file_is_refused_as_a_link(tmp_path, text, command):
    """Pointer files of git-annex and git-lfs are scans whose content is not here."""
    (tmp_path / "sub-01_T1w.nii.gz").write_text(text)
    with pytest.raises(InputError, match="without content") as caught:
        discover_scans(tmp_path)
    assert command in caught.value.remedy


@pytest.mark.parametrize("others", [[], ["sub-01/sub-01_T1w.nii.gz"]])
def test_a_subject_folder_that_leads_nowhere_is_refused(tmp_path, others):
    """A disk that is not mounted takes no subjects out of a cohort in silence."""
    touch(tmp_path, *others)
    (tmp_path / "sub-02").symlink_to(tmp_path / "gone" / "sub-02")
    with pytest.raises(InputError, match="without content") as caught:
        discover_scans(tmp_path)
    assert "sub-02" in caught.value.problem


def test_a_folder_that_cannot_be_read_is_refused(tmp_path, monkeypatch):
    """A folder without the right to read it does not drop out of the cohort."""
    touch(tmp_path, "sub-01/sub-01_T1w.nii.gz", "sub-02/sub-02_T1w.nii.gz")
    scan = os.scandir

    def refusing(folder):
        if str(folder).endswith("sub-02"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(InputError, match="cannot be read") as caught:
        discover_scans(tmp_path)
    assert caught.value.file.endswith("sub-02")


def test_scans_in_formats_that_are_not_read_are_counted(tmp_path):
    """FreeSurfer's and Analyze's files are no NIfTI, and are not passed over in silence."""
    touch(tmp_path, "a.nii.gz", "orig.mgz", "b.img", "c.img")
    assert any("2 files .img, 1 file .mgz not read" in line for line in select_scans(tmp_path).lines())
    (tmp_path / "a.nii.gz").unlink()
    with pytest.raises(InputError, match=r"1 file \.mgz"):
        discover_scans(tmp_path)
