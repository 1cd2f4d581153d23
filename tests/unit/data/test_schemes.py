"""Subjects as published data sets name them; each name below is as it was published."""

from __future__ import annotations

import pytest

from neuromf.data.schemes import SCHEMES, named_by_scheme

NAMES = {
    "OASIS-1 and OASIS-2": [
        ("OAS1_0002_MR1", "OAS1_0002", "MR1"),
        ("OAS1_0002_MR2/PROCESSED/MPRAGE/T88_111/OAS1_0002_MR2_mpr_n4_anon_111_t88_gfc", "OAS1_0002", "MR2"),
        ("OAS2_0001_MR1/RAW/mpr-1", "OAS2_0001", "MR1"),
        ("OASIS10002", "OAS1_0002", ""),
    ],
    "OASIS-3 and OASIS-4": [
        ("OAS30001_MR_d0129", "OAS30001", "d0129"),
        ("OAS30001_MR_d0757/anat2/OAS30001_MR_d0757_T1w", "OAS30001", "d0757"),
        ("OAS42001_MR_d3025", "OAS42001", "d3025"),
    ],
    "IXI": [
        ("IXI001-Guys-0841-T1", "IXI001", "0841"),
        ("IXI001-Guys-0841-T2", "IXI001", "0841"),
        ("IXI-T1/IXI013-HH-1212-T1", "IXI013", "1212"),
    ],
    "ADNI": [
        ("ADNI_002_S_0295_MR_MPR__GradWarp_Br_20081001120532722_S13408_I118671", "002_S_0295", ""),
        ("ADNI/002_S_0295/MPRAGE/2006-04-18_08_20_30.0/I118671/image", "002_S_0295", ""),
        ("ADNI002S0295", "002_S_0295", ""),
        ("ADNI_130_S_10075_MR_Accelerated_Sagittal_MPRAGE_br_raw_1", "130_S_10075", ""),
    ],
    "PPMI": [
        ("PPMI_3118_MR_MPRAGE_GRAPPA2_br_raw_20160427125628761_82_S405061_I665282", "PPMI_3118", ""),
        ("PPMI-3803-20120814-MRI_T1-I340756", "PPMI_3803", ""),
    ],
    "HCP Young Adult": [
        ("100307/T1w/T1w_acpc_dc_restore", "100307", ""),
        ("100307/unprocessed/3T/T1w_MPR1/100307_3T_T1w_MPR1", "100307", ""),
        ("100307_3T_T1w_MPR1", "100307", ""),
    ],
    "HCP Lifespan": [("HCD0001305_V1_MR/T1w/T1w_acpc_dc_restore", "HCD0001305", "V1")],
    "Cam-CAN": [("CC110033", "CC110033", "")],
    "UK Biobank": [
        ("1000502_20252_2_0/T1/T1_brain_to_MNI", "1000502", "2"),
        ("1000502_20252_3_0", "1000502", "3"),
    ],
    "FOMO-60K": [
        ("PT001_OASIS1/sub_1/ses_1/t1", "PT001_OASIS1/sub_1", "ses_1"),
        ("fomo-60k/PT005_IXI/sub_1/ses_2/t1_2", "PT005_IXI/sub_1", "ses_2"),
        ("sub_1/ses_1/t1", "sub_1", "ses_1"),
    ],
    "INDI (ABIDE, ADHD-200, CoRR, COBRE)": [
        ("0050002/session_1/anat_1/mprage", "50002", "session_1"),
        ("50002/session_1/anat_1/mprage", "50002", "session_1"),
        ("HNU_1/0025427/session_2/anat_1/anat", "25427", "session_2"),
    ],
    "ABIDE Preprocessed": [
        ("Pitt_0050003_func_preproc", "50003", ""),
        ("UCLA_2_0051301_anat", "51301", ""),
        ("Leuven_1_0050682", "50682", ""),
    ],
    "BraTS 2017 to 2019": [
        ("Brats18_TCIA01_231_1_t1", "Brats18_TCIA01_231", "1"),
        ("HGG/BraTS19_CBICA_AAB_1/BraTS19_CBICA_AAB_1_t1", "BraTS19_CBICA_AAB", "1"),
        ("Brats18_2013_10_1_flair", "Brats18_2013_10", "1"),
    ],
    "BraTS 2020": [("BraTS20_Training_001/BraTS20_Training_001_t1", "BraTS20_Training_001", "")],
    "BraTS 2021": [("BraTS2021_00000_t1", "BraTS2021_00000", "")],
    "BraTS 2023 and later": [
        ("BraTS-GLI-00000-000-t1n", "BraTS-GLI-00000", "000"),
        ("BraTS-GLI-00000-001/BraTS-GLI-00000-001-t1n", "BraTS-GLI-00000", "001"),
        ("BraTS-MEN-00004-000-t1c", "BraTS-MEN-00004", "000"),
    ],
    "UPENN-GBM": [
        ("UPENN-GBM-00001_11_T1", "UPENN-GBM-00001", "11"),
        ("UPENN-GBM-00001_21_T1", "UPENN-GBM-00001", "21"),
    ],
    "UCSF-PDGM": [
        ("UCSF-PDGM-0391_nifti/UCSF-PDGM-0391_T1", "UCSF-PDGM-0391", ""),
        ("UCSF-PDGM-0391_FU016d_nifti/UCSF-PDGM-0391_FU016d_T1", "UCSF-PDGM-0391", "FU016d"),
    ],
    "MIRIAD": [
        ("miriad_188_AD_M_01_MR_1", "miriad_188", "01_MR_1"),
        ("miriad_188_1_MR_2", "miriad_188", "1_MR_2"),
    ],
    "Brain Genomics Superstruct": [("Sub0001_Ses1_Scan_01_ANAT1", "Sub0001", "Ses1")],
    "Calgary-Campinas-359": [("CC0001_philips_15_55_M", "CC0001", "")],
}


def test_every_scheme_has_published_names_that_test_it():
    """No row of the table is without an example, and no example without a row."""
    assert set(NAMES) == {scheme.name for scheme in SCHEMES}


@pytest.mark.parametrize(
    ("scheme", "path", "subject", "session"),
    [(scheme, *row) for scheme, rows in NAMES.items() for row in rows],
)
def test_a_published_name_gives_its_scheme_subject_and_session(scheme, path, subject, session):
    """The scheme of the name, and of no other data set, reads who was scanned and when."""
    named = named_by_scheme(path)
    assert named is not None
    assert (named.scheme, named.subject, named.session) == (scheme, subject, session)


@pytest.mark.parametrize(
    "path",
    ["brain", "t1", "p01", "subject_12_T1", "scan_0001", "1234567", "patient-3/t1", "20190304_mprage", "submarine-1",
     "sub-01_T1w", "control_50003x", "IXI-T1/readme", "study/site_1/head", "patient_50003"],
)  # fmt: skip
def test_a_name_of_no_published_scheme_is_not_read_as_one(path):
    """What no table row describes stays without a subject: it is not invented."""
    assert named_by_scheme(path) is None


def test_the_file_name_goes_before_its_folders():
    """A file that was moved into another subject's folder keeps its own subject."""
    named = named_by_scheme("IXI002-Guys-0828/IXI013-HH-1212-T1")
    assert named is not None
    assert named.subject == "IXI013"


def test_each_scheme_says_where_it_is_published():
    """A row without a source would be invented."""
    assert all(scheme.source for scheme in SCHEMES)
