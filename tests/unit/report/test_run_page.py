"""The page about one or several runs."""

import re
from html.parser import HTMLParser

import pytest

from neuromf.errors import InputError
from neuromf.monitor.events import Event
from neuromf.output import write_output
from neuromf.report import run_page as run_page_module
from neuromf.report.block_charts import NO_BLOCKS
from neuromf.report.page import check_page
from neuromf.report.run_facts import read_runs
from neuromf.report.run_page import run_page
from neuromf.report.sample_slices import NO_SAMPLES, sample_strip
from tests.support.reported_run import HALT, SELF_TEST, WARNING, trace_rows, write_run


def page_of(*folders):
    """The report of some runs, samples as latent channels."""
    return run_page(read_runs(folders), decoded=False)


class Attributes(HTMLParser):
    """Collects every attribute of a page by name."""

    def __init__(self, page):
        super().__init__()
        self.values = {}
        self.feed(page)

    def handle_starttag(self, _tag, attrs):
        """Keep the attributes of one element."""
        for name, value in attrs:
            self.values.setdefault(name, []).append(value)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A halted run beside one that finished with another learning rate."""
    folder = tmp_path_factory.mktemp("runs")
    halted = write_run(folder / "halted", rows=trace_rows(21, 1.3), events=[SELF_TEST, WARNING, HALT])
    return page_of(halted, write_run(folder / "other", "training.learning_rate=0.002"))


def test_the_page_refers_to_nothing_outside_itself(both):
    """Every reference is a place in the page or data within it."""
    values = Attributes(both).values
    references = [v for name in ("src", "href", "xlink:href", "srcset", "action") for v in values.get(name, [])]

    assert references
    assert [reference for reference in references if not reference.startswith(("#", "data:"))] == []
    assert re.findall(r"@import|url\((?!#)", both) == []


def test_no_name_is_given_twice(both):
    """Clip paths of one chart may not cut another."""
    names = Attributes(both).values["id"]
    assert len(names) == len(set(names))


def test_what_is_pointed_at_is_there(both):
    """Each link within the page leads somewhere."""
    values = Attributes(both).values
    pointed = {v[1:] for name in ("href", "xlink:href") for v in values.get(name, []) if v.startswith("#")}
    assert pointed <= set(values["id"])


def test_every_part_is_on_the_page(both):
    """What issue 5 asks for, by heading or caption."""
    for words in (
        "Raw loss and weighted loss",
        "Raw loss of FM and MF samples",
        "Raw loss by channel",
        "Gradient norm by block: halted",
        "Learning rate",
        "EMA gap",
        "t - r of MF samples",
        "sample after 8 steps",
        "by the configuration",
        "key that differs",
        "Diagnosis in words",
        "the gradient norm of out was 4 times that of conv_in: trainings with and without this fault",
    ):
        assert words in both, words


def test_only_keys_that_differ_are_told_apart(both):
    """One key differs; the rest is folded away."""
    table = both[both.index("key that differs") : both.index("<details><summary>all")]
    assert re.findall(r"<tr><td>(.*?)</td>", table) == ["training.learning_rate"]


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Two runs of one configuration: one with nothing in its files, one without the files."""
    folder = tmp_path_factory.mktemp("bare")
    empty = write_run(folder / "empty", events=[], samples=[], blocks={})
    absent = write_run(folder / "absent", samples=[])
    (absent / "events.jsonl").unlink()
    (absent / "training_summary.json").unlink()
    return page_of(empty, absent)


def test_what_is_missing_is_said_in_a_sentence(bare):
    """No event, no sample and no gradient norm: a sentence each, and the rest of the page."""
    assert "No event was recorded." in bare
    assert bare.count(NO_SAMPLES) == bare.count(NO_BLOCKS) == 2
    assert "Raw loss by channel" in bare


def test_runs_of_one_configuration_are_said_to_be_alike(bare):
    """A sentence instead of a table without rows."""
    assert "The runs have the same configuration." in bare
    assert "key that differs" not in bare


def test_names_and_messages_are_text_and_no_markup(tmp_path):
    """Folder, message, value and law of an event cannot bring markup onto the page."""
    bad = '<script>alert(1)</script><b>&"'
    event = Event(step=3, level="warn", law="<i>no</i>", message=bad, value=bad, bound=bad, fine=[bad])
    page = page_of(write_run(tmp_path / "<b>&run", events=[event]), write_run(tmp_path / "other"))

    assert page.count("<script") == 1
    assert "<b>&run" not in page
    assert "<i>no" not in page
    assert "&lt;b&gt;&amp;run" in page


def test_a_run_of_one_step_and_one_of_nothing_finite_are_drawn(tmp_path):
    """The least trace there is, and one whose every loss is NaN."""
    lost = [row | dict.fromkeys(("raw_total", "raw_fm", "raw_mf", "weighted"), float("nan")) for row in trace_rows(5)]
    page = page_of(write_run(tmp_path / "one", rows=trace_rows(1)), write_run(tmp_path / "lost", rows=lost))

    assert "was never finite" in page


def test_a_report_replaces_its_own_page_and_nothing_else(tmp_path):
    """A former page is written over; a folder, a foreign file and a missing folder are refused."""
    page, foreign = tmp_path / "report.html", tmp_path / "notes.txt"
    foreign.write_text("keep")
    write_output(page, "<!doctype html>\n<title>old</title>")
    check_page(page)
    write_output(page, "<!doctype html>\n<title>new</title>")

    for refused in (tmp_path, foreign, tmp_path / "no" / "report.html"):
        with pytest.raises(InputError):
            check_page(refused)
    assert "new" in page.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "report.html"]


@pytest.mark.parametrize("decoded", [True, False])
def test_samples_are_shown_as_they_are_asked_for(tmp_path, monkeypatch, decoded):
    """Decoded or not, through the autoencoder that is given, with the bar that is given, of every run."""
    runs = read_runs([write_run(tmp_path / name) for name in ("one", "two")])
    asked = []
    strip = sample_strip(runs[0], decoded=False)
    monkeypatch.setattr(run_page_module, "sample_strip", lambda run, **how: asked.append((run.name, how)) or strip)
    how = {"decoded": decoded, "vae": tmp_path / "mine.pt", "on_progress": print}
    run_page(runs, **how)
    assert asked == [("one", how), ("two", how)]
