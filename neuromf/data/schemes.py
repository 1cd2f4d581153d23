"""How published data sets name their subjects: one row a scheme, and nothing that is not published.

A pattern is searched in a scan's path below the root, without its ending, with `/` between folders. Its groups make the
subject by `subject`; the group `session`, where there is one, tells scans of a subject apart. Where a scheme leaves it
open whether two names are one person, they are taken for one: that is safe, two splits are not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

_START = r"(?<![A-Za-z0-9])"
_END = r"(?![A-Za-z0-9])"


@dataclass(frozen=True)
class Scheme:
    """One published way to name scans.

    Attributes:
        name: the data set, or family of data sets.
        pattern: regular expression with named groups.
        subject: the subject's id, written with the groups.
        source: where the scheme is published.
    """

    name: str
    pattern: str
    subject: str
    source: str

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)  # looked up in re's own table 2 million times for 100,000 scans, a third of all

    def find(self, path: str) -> Named | None:
        """The subject that the last match in a path names: a file name says more than the folders above it."""
        found = None
        for match in self._compiled.finditer(path):
            found = match
        if found is None:
            return None
        groups = {key: value or "" for key, value in found.groupdict().items()}
        subject = self.subject.format(**groups).lstrip("/")  # FOMO-60K's data set, where the root is inside it
        return Named(self.name, subject, groups.get("session", ""), found.start(), found.end())


@dataclass(frozen=True)
class Named:
    """What a scheme reads from a path.

    Attributes:
        scheme: its name.
        subject: id of the subject.
        session: id of the visit or scan, "" where the name has none.
        start: of the match in the path.
        end: of the match in the path.
    """

    scheme: str
    subject: str
    session: str
    start: int
    end: int


SCHEMES = (
    Scheme(
        "OASIS-1 and OASIS-2",
        _START + r"OAS(?:IS)?(?P<release>[12])_?(?P<number>\d{4})(?:_?(?P<session>MR\d+))?" + _END,
        "OAS{release}_{number}",
        "sites.wustl.edu/oasisbrains, fact sheets of OASIS-1 (Marcus 2007) and OASIS-2 (Marcus 2010)",
    ),
    Scheme(
        "OASIS-3 and OASIS-4",
        _START + r"OAS(?:IS)?(?P<number>[34]\d{4})(?:_[A-Za-z0-9]+_(?P<session>d\d{4}))?" + _END,
        "OAS{number}",
        "sites.wustl.edu/oasisbrains, OASIS-3 imaging data dictionary: subject_type_day",
    ),
    Scheme(
        "IXI",
        _START + r"(?P<subject>IXI\d{3})(?:-(?:Guys|HH|IOP)-(?P<session>\d{4}))?" + _END,
        "{subject}",
        "brain-development.org/ixi-dataset: IXI002-Guys-0828-T1.nii.gz",
    ),
    Scheme(
        "ADNI",
        _START + r"(?:ADNI_?)?(?P<site>\d{3})_?S_?(?P<number>\d{4,5})" + _END,
        "{site}_S_{number}",
        "adni.loni.usc.edu, IDA downloads: ADNI_002_S_0295_MR_..._S13408_I118671.nii",
    ),
    Scheme(
        "PPMI",
        _START + r"PPMI[_-](?P<number>\d{4,6})" + _END,
        "PPMI_{number}",
        "ppmi-info.org, IDA downloads: PPMI_3118_MR_MPRAGE_..._S405061_I665282.nii",
    ),
    Scheme(
        "HCP Young Adult",
        r"(?:^|/)(?P<number>\d{6})(?:/(?:T1w|MNINonLinear|unprocessed)/|_(?:3T|7T)_)",
        "{number}",
        "humanconnectome.org, WU-Minn HCP reference manual, appendix III: 100307/unprocessed/3T, 100307_3T_T1w_MPR1",
    ),
    Scheme(
        "HCP Lifespan",
        _START + r"(?P<subject>HC[ADP]\d{7})(?:_(?P<session>V\d+))?" + _END,
        "{subject}",
        "humanconnectome.org, HCP Lifespan release documents: HCD0001305_V1_MR",
    ),
    Scheme(
        "Cam-CAN",
        _START + r"(?P<subject>CC\d{6})" + _END,
        "{subject}",
        "camcan-archive.mrc-cbu.cam.ac.uk: sub-CC110033",
    ),
    Scheme(
        "UK Biobank",
        r"(?:^|/)(?P<number>\d{7})_(?P<field>2\d{4})_(?P<session>\d)_\d" + _END,
        "{number}",
        "biobank.ctsu.ox.ac.uk, brain imaging documentation: subject_field_instance_index, 1234567_20252_2_0",
    ),
    Scheme(
        "FOMO-60K",
        r"(?:^|/)(?:(?P<dataset>PT\d{3}_[A-Za-z0-9-]+)/)?sub_(?P<number>\d+)/(?P<session>ses_\d+)(?=/)",
        "{dataset}/sub_{number}",
        "FOMO-60K of the FOMO25 challenge: PT001_OASIS1/sub_1/ses_1/t1.nii.gz",
    ),
    Scheme(
        "INDI (ABIDE, ADHD-200, CoRR, COBRE)",
        r"(?:^|/)0*(?P<number>\d{4,7})/(?P<session>session_\d+)/[a-z0-9]+_\d+(?=/)",
        "{number}",
        "fcon_1000.projects.nitrc.org: 0050002/session_1/anat_1/mprage.nii.gz",
    ),
    Scheme(
        "ABIDE Preprocessed",
        r"(?:^|/)(?:Caltech|CMU|KKI|Leuven|MaxMun|NYU|OHSU|Olin|Pitt|SBL|SDSU|Stanford|Trinity|UCLA|UM|USM|Yale)"
        r"(?:_[a-z0-9])?_0*(?P<number>5[01]\d{3})" + _END,
        "{number}",
        "preprocessed-connectomes-project.org/abide: Pitt_0050003, Leuven_1_0050682, UCLA_2_0051301",
    ),
    Scheme(
        "BraTS 2017 to 2019",
        _START
        + r"(?P<subject>Bra[Tt][Ss]1[789]_(?:2013|CBICA|TCIA\d{0,2}|TMC)_[A-Za-z0-9]+)(?:_(?P<session>\d+))?"
        + _END,
        "{subject}",
        "med.upenn.edu/cbica/brats2018/data.html: Brats18_TCIA01_231_1_t1.nii.gz",
    ),
    Scheme(
        "BraTS 2020",
        _START + r"(?P<subject>BraTS20_(?:Training|Validation)_\d{3})" + _END,
        "{subject}",
        "med.upenn.edu/cbica/brats2020/data.html: BraTS20_Training_001_t1.nii.gz",
    ),
    Scheme(
        "BraTS 2021",
        _START + r"(?P<subject>BraTS2021_\d{5})" + _END,
        "{subject}",
        "synapse.org, syn25829067: BraTS2021_00000_t1.nii.gz",
    ),
    Scheme(
        "BraTS 2023 and later",
        _START + r"(?P<subject>BraTS-[A-Za-z]+-\d{4,5})(?:-(?P<session>\d{3}))?" + _END,
        "{subject}",
        "synapse.org, syn51156910: BraTS-GLI-00000-000-t1n.nii.gz, the last number is the time point",
    ),
    Scheme(
        "UPENN-GBM",
        _START + r"(?P<subject>UPENN-GBM-\d{5})(?:_(?P<session>\d\d))?" + _END,
        "{subject}",
        "Cancer Imaging Archive, doi:10.7937/TCIA.709X-DN49: UPENN-GBM-00001_11, 11 before the operation, 21 later",
    ),
    Scheme(
        "UCSF-PDGM",
        _START + r"(?P<subject>UCSF-PDGM-\d{3,4})(?:_(?P<session>FU\d+d))?" + _END,
        "{subject}",
        "Cancer Imaging Archive, doi:10.7937/tcia.bdgf-8v37: UCSF-PDGM-0004, UCSF-PDGM-0391_FU016d",
    ),
    Scheme(
        "MIRIAD",
        _START + r"(?P<subject>miriad_\d{3})(?:_[A-Z]{2}_[MF])?(?:_(?P<session>\d+_MR_\d+))?" + _END,
        "{subject}",
        "ucl.ac.uk/drc, MIRIAD (Malone 2013): miriad_188_AD_M_01_MR_1.nii",
    ),
    Scheme(
        "Brain Genomics Superstruct",
        _START + r"(?P<subject>Sub\d{4})_(?P<session>Ses\d)" + _END,
        "{subject}",
        "doi:10.7910/DVN/25833 (Holmes 2015): Sub0001_Ses1_Scan_01_ANAT1.nii.gz",
    ),
    Scheme(
        "Calgary-Campinas-359",
        _START + r"(?P<subject>CC\d{4})_(?:philips|siemens|ge)" + _END,
        "{subject}",
        "ccdataset.com (Souza 2018): CC0001_philips_15_55_M.nii.gz",
    ),
)


def named_by_scheme(path: str) -> Named | None:
    """The subject that a published scheme reads from a path; a match in the file's own name goes before its folders.

    Args:
        path: below the root, without the ending, `/` between folders.
    """
    found = [named for scheme in SCHEMES if (named := scheme.find(path))]
    return max(found, key=lambda named: (named.end > path.rfind("/") + 1, named.end - named.start), default=None)
