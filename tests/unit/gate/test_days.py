"""Until when, for what and by whom a verdict holds: tickets and waivers against days, configurations and versions."""

from __future__ import annotations

import datetime
import itertools
import json
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from neuromf_spec.registry import laws
from neuromf_spec.waivers import Waiver, parse_waivers

from neuromf import __version__
from neuromf.cli.admission import GateOptions, require_admission
from neuromf.config.load import load_config
from neuromf.errors import InputError
from neuromf.gate.judge import LaunchCandidate, judge
from neuromf.gate.result import LawResult
from neuromf.gate.ticket import read_ticket
from neuromf.gate.verdict import GateVerdict
from neuromf.gate.waivers import apply_waivers, last_day

DAY = datetime.timedelta(days=1)
LAST_DAYS = [datetime.date(*day) for day in ((2027, 1, 1), (2026, 12, 31), (2028, 2, 29), (2026, 9, 30), (2026, 10, 9))]
"""Turns of the year and of months, a leap day, and a day whose digits sort otherwise than its date."""
AWAY = [-366, -365, -31, -1, 0, 1, 2, 30, 31, 365, 366]
"""Days from the last day on which a waiver holds; one from 1 on is too late."""
HASH, OTHER = "ab" * 32, "ab" * 31 + "ac"


def result(law_id: str, status: str) -> LawResult:
    """One law's result, with what the console shows of it."""
    broken = {"remedy": "mend it", "passing_value": "a.b=1"} if status in ("block", "warn") else {}
    texts = {"key": "", "bound": "<= 1", "unit": "", "source": "", "value_source": ""}
    shown = {"remedy": "", "passing_value": "", "detail": "seen", **texts, **broken}
    return LawResult(law_id=law_id, title=laws()[law_id].title, status=status, value=2.0, where="static", **shown)


def ticket(tmp_path, **changes):
    """A verdict that rests on a waiver, as the gate writes it, read back."""
    said = {"name": "c.yaml", "config_hash": HASH, "smoke": {"steps": 30}, "seconds": 1.0, "expires": LAST_DAYS[0]}
    document = json.loads(GateVerdict(results=[result("LR-003", "waived")], **said).to_json()) | changes
    (tmp_path / "t.json").write_text(json.dumps(document))
    return read_ticket(tmp_path / "t.json")


def admits(found, asked: str, today: datetime.date) -> bool:
    try:
        found.check(asked, today)
    except InputError:
        return False
    return True


@pytest.mark.parametrize("last", LAST_DAYS, ids=str)
def test_a_ticket_admits_one_configuration_of_one_version_until_a_day(tmp_path, last):
    """Every combination of hash, version and day: only where all three fit may a training start."""
    written = ticket(tmp_path)
    versions = (__version__, __version__ + ".1", "0.0.1", __version__ + " ")
    for asked, version, days in itertools.product((HASH, OTHER, HASH.upper()), versions, AWAY):
        found = written.model_copy(update={"neuromf": version, "expires": last})
        fits = (asked, version) == (HASH, __version__) and days <= 0
        assert admits(found, asked, last + days * DAY) is fits, (asked, version, days)


def test_a_ticket_that_rests_on_no_waiver_has_no_last_day(tmp_path):
    """Ten years later it admits its configuration still."""
    found = ticket(tmp_path, waived=[], expires=None)
    assert admits(found, HASH, datetime.date(2036, 1, 1))


def test_a_ticket_gives_back_what_the_gate_wrote(tmp_path):
    """Status, hash, waived laws, last day and length of the smoke training survive the file."""
    found = ticket(tmp_path)
    assert (found.status, found.config_hash, found.neuromf) == ("PASS", HASH, __version__)
    assert (found.blocked, found.waived, found.expires) == ([], ["LR-003"], LAST_DAYS[0])
    assert found.smoke is not None
    assert found.smoke.steps == 30


STATUSES = st.sampled_from(["pass", "info", "warn", "block"])
WAIVABLE = ("LR-003", "EMA-002", "TIME-004")
CONFIGS = ("mine.yaml", "smoke", "recommended", "other.yaml")
RESULTS = st.fixed_dictionaries(dict.fromkeys(WAIVABLE, STATUSES))
WAIVERS = st.lists(
    st.builds(
        Waiver,
        law=st.sampled_from(WAIVABLE),
        config=st.sampled_from(CONFIGS),
        reason=st.just("an ablation"),
        owner=st.just("us"),
        expires=st.sampled_from(AWAY).map(lambda days: LAST_DAYS[1] + days * DAY),
    ),
    max_size=4,
)


@given(found=RESULTS, waivers=WAIVERS)
def test_a_waiver_is_for_one_law_of_one_configuration_until_its_last_day(found, waivers):
    """A broken law is waived where a waiver for it is in force; a waiver that is not needed blocks; all else stays."""
    today, layers = LAST_DAYS[1], ("smoke", "mine.yaml")
    before = [result(law_id, status) for law_id, status in found.items()]
    after = {r.law_id: r for r in apply_waivers(before, waivers, layers, today)}
    ends = []
    for law_id, status in found.items():
        mine = [w.expires for w in waivers if w.law == law_id and w.config in layers]
        in_force = [day for day in mine if day >= today]
        if status in ("pass", "info"):
            expected = "block" if mine else status
        else:
            expected = "waived" if in_force else status
            ends += [max(in_force)] if in_force else []
        assert after[law_id].status == expected, (law_id, status, mine)
        assert ("expired" in after[law_id].detail) is (status in ("warn", "block") and bool(mine) and not in_force)
        assert (after[law_id].remedy == "") is (expected in ("pass", "info", "waived"))
        assert (after[law_id].passing_value == "") is (expected != status or status in ("pass", "info"))
    assert last_day(after.values(), waivers, layers) == min(ends, default=None)


def test_a_renewed_waiver_outweighs_the_one_that_expired():
    """In either order of the two: the law is waived, and the ticket lasts as long as the renewed one."""
    old = Waiver(law="LR-003", config="smoke", reason="first", owner="us", expires=LAST_DAYS[1] - DAY)
    new = replace(old, reason="again", expires=LAST_DAYS[1] + DAY)
    for waivers in ([old, new], [new, old]):
        (after,) = apply_waivers([result("LR-003", "block")], waivers, ["smoke"], LAST_DAYS[1])
        assert (after.status, "again" in after.detail) == ("waived", True)
        assert last_day([after], waivers, ["smoke"]) == new.expires


@pytest.mark.parametrize("held", ["pass", "info"])
def test_a_waiver_for_a_law_that_holds_live_and_not_on_paper_is_needed(held):
    """The time scale 12 is blocked on paper, while the small net bears it: neither may block the other."""
    waiver = Waiver(law="JVP-005", config="smoke", reason="an ablation", owner="us", expires=LAST_DAYS[1])
    both = [result("JVP-005", "block"), replace(result("JVP-005", held), where="smoke")]
    for before in (both, both[::-1]):
        after = apply_waivers(before, [waiver], ["smoke"], LAST_DAYS[1])
        assert {r.where: r.status for r in after} == {"static": "waived", "smoke": held}


NOON = 1_798_718_400.0
"""2026-12-31 12:00 in Greenwich."""
ZONES = {"Etc/GMT-14": "2027-01-01", "Etc/GMT+11": "2026-12-31", "UTC": "2026-12-31", "Etc/GMT-12": "2027-01-01"}
"""POSIX signs: GMT-14 is 14 hours ahead."""


@pytest.mark.parametrize(("zone", "day"), ZONES.items())
def test_a_last_day_ends_with_the_day_of_the_place_where_it_is_asked(tmp_path, monkeypatch, zone, day):
    """At one moment it is the last day here and the next one there: gate and training go by their own calendar."""
    layers, overrides = ["recommended"], ["time_sampling.data_proportion=1.0"]
    config = load_config(layers, overrides)
    waiver = Waiver(
        law="TIME-007", config="recommended", reason="a test", owner="us", expires=datetime.date(2026, 12, 31)
    )
    candidate = LaunchCandidate.of(config, layers, overrides)
    monkeypatch.setattr(time, "time", lambda: NOON)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    (tmp_path / "t.json").write_text(judge(candidate, [waiver]).to_json())
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert datetime.date.today().isoformat() == day
        here = day == "2026-12-31"
        assert (judge(candidate, [waiver]).status == "PASS") is here
        options = GateOptions(tmp_path / "t.json", None, None)
        if here:
            assert "waived until 2026-12-31: TIME-007" in require_admission(config, layers, overrides, options)
        else:
            with pytest.raises(InputError, match="expired on 2026-12-31"):
                require_admission(config, layers, overrides, options)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_waiver_is_read_as_it_stands_in_its_file():
    """Each of its five keys, whatever their order."""
    text = '[[waiver]]\nexpires = 2027-01-31\nowner = "o"\nreason = "r"\nconfig = "c"\nlaw = "LR-003"\n'
    (read,) = parse_waivers(text)
    assert read == Waiver(law="LR-003", config="c", reason="r", owner="o", expires=datetime.date(2027, 1, 31))
