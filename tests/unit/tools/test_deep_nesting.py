"""Files nested deeper than a parser follows: each reader refuses them in one sentence."""

import pytest

from neuromf.data.store_description import read_description
from neuromf.errors import InputError
from neuromf.gate.waivers import read_waivers
from neuromf.golden.case import GoldenCase, read_case
from neuromf.golden.store import provenance
from neuromf.monitor.events import read_events
from neuromf.report.run_facts import _environment
from neuromf.training.records.run_folder import RunFolder, check_latents
from neuromf.training.records.summary import read_summary
from neuromf.watch.event_log import whole_events
from tests.support import interrupted_bisect
from tools.performance import figures

DEEP = "[" * 100_000
READERS = {
    "events.jsonl": read_events,
    "growing.jsonl": whole_events,
    "training_summary.json": read_summary,
    "store.json": read_description,
    "run.json": lambda path: check_latents(RunFolder(path.parent), ""),
    "report/run.json": lambda path: _environment(RunFolder(path.parent)),
    "provenance.json": lambda path: provenance(GoldenCase("x", path.parent, read_case("x_exact").contract)),
    "figures.json": figures.read,
    "journal.jsonl": interrupted_bisect.open_journal,
    "case/case.toml": lambda path: read_case("case", path.parents[1]),
    "waivers.toml": read_waivers,
}


@pytest.mark.parametrize(("name", "read"), READERS.items(), ids=list(READERS))
def test_a_file_that_nests_too_deep_is_refused(tmp_path, name, read):
    """Python gives up at its recursion limit, and the user reads a sentence with the file."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(("a = " if path.suffix == ".toml" else "") + DEEP + "\n")
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(path) in caught.value.sentence
    assert "\n" not in caught.value.sentence


def test_leave_for_an_unknown_law_is_refused(tmp_path):
    """A misspelt id would waive nothing, silently."""
    path = tmp_path / "waivers.toml"
    keys = 'config = "smoke"\nreason = "a test"\nowner = "us"\nexpires = 2999-01-01\n'
    path.write_text(f'[[waiver]]\nlaw = "LR-03"\n{keys}')
    with pytest.raises(InputError, match="'LR-03' is no law"):
        read_waivers(path)
