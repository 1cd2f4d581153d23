"""Public codes judged from checkouts: where they are found, how they are imported, the page of what was found."""

import json
import sys

import pytest

from neuromf.errors import InputError
from tools.foreign import judging
from tools.foreign.checkout import VARIABLE, checkout, commit_of, functions, imported
from tools.foreign.codes import Code, ReadFinding, codes, findings
from tools.foreign.judging import judge_code, keep, kept_verdicts
from tools.foreign.table import page, unchecked

CODE = Code(repository="a/b", about="toys", library="torch", adapter="toy.py", classes=("Toy",))
FINDING = ReadFinding(
    target="toy.py:Toy", key="ID-001 times", status="falls", place="x.py:1", checked="today", told="it is"
)


def law(status, *, law_id="ID-001", fact="times", bound="<= 1"):
    return {"law_id": law_id, "fact": fact, "status": status, "value": 2.0, "bound": bound, "detail": "a | b",
            "repair": "mend it"}  # fmt: skip


def verdicts(*laws):
    return {"toy.py:Toy": {"name": "toy", "commit": "abc", "date": "today", "laws": list(laws)}}


def test_a_missing_checkout_is_named_with_the_command_that_makes_it(tmp_path, monkeypatch):
    """The message says what to clone and where to."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(InputError, match=f"git clone https://github.com/a/b {tmp_path}/a/b"):
        checkout("a/b")


def test_the_folder_of_checkouts_must_be_named(monkeypatch):
    """Without the variable there is one clear sentence."""
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(InputError, match=f"{VARIABLE}.*OWNER/NAME"):
        checkout("a/b")


def test_a_folder_without_a_commit_is_of_unknown_commit(tmp_path):
    """A copy without history is judged all the same."""
    assert commit_of(tmp_path) == "unknown"


def test_a_code_is_imported_with_what_stands_in_for_its_libraries(tmp_path, monkeypatch):
    """Its folder is on the path while it is imported, and no longer."""
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    (tmp_path / "foreign_toy.py").write_text("from nowhere_at_all.deep import NAME\n")
    found = imported(tmp_path, ["foreign_toy"], {"nowhere_at_all": {}, "nowhere_at_all.deep": {"NAME": 7}})
    assert found.foreign_toy.NAME == 7
    assert str(tmp_path) not in sys.path


def test_a_nested_function_of_a_script_is_taken_out_of_it(tmp_path):
    """The rest of the script does not run."""
    (tmp_path / "script.py").write_text(
        "def main():\n    def twice(x):\n        return factor * x\n\nraise SystemExit\n"
    )
    assert functions(tmp_path / "script.py", ["twice"], {"factor": 2}).twice(21) == 42


def test_an_adapter_is_judged_in_a_process_of_its_own_and_its_verdict_kept(tmp_path, monkeypatch):
    """What is kept has the commit, the library and each law."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters" / "toy.py").write_text(
        "from neuromf.conform import Declaration, Schedule\n\n\nclass Toy:\n    library = 'torch'\n"
        "    declares = Declaration(name='toy', schedule=Schedule())\n\n    def rate(self, step):\n        return 1.0\n"
    )
    monkeypatch.setattr(judging, "ADAPTERS", tmp_path / "adapters")
    found = judge_code(CODE, sys.executable)
    keep(found, tmp_path / "kept.json")
    kept = kept_verdicts(tmp_path / "kept.json")["toy.py:Toy"]
    assert (kept["commit"], kept["library"], kept["name"]) == ("unknown", "torch", "toy")
    assert {entry["law_id"] for entry in kept["laws"] if entry["status"] == "holds"} == {"LR-001", "LR-002"}


def test_the_page_lists_what_does_not_hold_and_counts_what_does():
    """A law that holds is counted alone."""
    text = page([CODE], verdicts(law("falls"), law("holds", fact="objective")), [FINDING])
    assert "| a/b | toy | `abc` | today | 1 | 1 | 0 | 0 | 0 |" in text
    assert "| toy | ID-001 times | falls | a \\| b (2, bound <= 1); repair: mend it | x.py:1 | it is (today) |" in text
    assert "objective" not in text


def test_a_share_that_wanders_is_counted_and_not_listed():
    """Nearly every code has one."""
    text = page([CODE], verdicts(law("declared", law_id="TIME-002", fact="share", bound="< 1")), [])
    assert "Every law that applies holds." in text


@pytest.mark.parametrize("status", ["falls", "unexplained", "cannot run", "declared"])
def test_a_verdict_that_nobody_read_the_code_for_is_a_problem(status):
    """No accusation is published unread."""
    assert unchecked(verdicts(law(status)), []) == [f"toy.py:Toy ID-001 times: {status}, checked by nobody"]


def test_a_finding_that_no_verdict_bears_out_is_a_problem():
    """A code that was mended is no longer blamed."""
    assert unchecked(verdicts(law("holds")), [FINDING]) == ["toy.py:Toy ID-001 times: a finding without a verdict"]


def test_what_is_kept_was_checked_by_hand_and_is_on_the_page():
    """golden/conformance is as the command writes it."""
    from tools.foreign.judging import KEPT

    assert unchecked(kept_verdicts(), findings()) == []
    assert (KEPT.parent / "README.md").read_text(encoding="utf-8") == page(codes(), kept_verdicts(), findings())
    assert json.loads(KEPT.read_text(encoding="utf-8"))["schema"] == 1


def test_nothing_false_is_said_of_codes_that_are_right():
    """py-meanflow v0, the official code with its times given, and iMF as it comes have no law that falls."""
    right = ("py_meanflow.py:V0", "official.py:GivenTimes", "official.py:OfficialGuided", "imf.py:ImfDefault")
    for target in right:
        statuses = {entry["status"] for entry in kept_verdicts()[target]["laws"]}
        assert statuses <= {"holds", "declared", "not applicable"}, target
