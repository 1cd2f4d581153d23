"""Codes with one fault each: the law that is named for it falls, with a repair, and no other does."""

import operator
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
from neuromf_spec.conformance.suite import judge
from neuromf_spec.conformance.verdict import FAILED, Status

from neuromf.conform.load import LoadedAdapter
from neuromf.conform.snippet import snippet
from neuromf.conform.subject import BridgedSubject
from tests.support.conform import broken
from tests.support.conform.broken import FAULTS

NO_GRADIENT = "AllDetached"
"""Without a gradient nothing else of the loss can be judged, and the suite says that it cannot."""
EACH_BY_ITS_LAWS = [
    pytest.param(name, marks=[pytest.mark.law(law_id) for law_id in sorted(FAULTS[name].laws)])
    for name in sorted(FAULTS)
]


@cache
def failed(name):
    results = judge(lambda: BridgedSubject(FAULTS[name].adapter()))
    return [result for result in results if result.status in FAILED]


def test_there_are_faults_enough():
    """At least thirty codes are broken, and the laws that they break are most of those that are judged."""
    assert len(FAULTS) >= 30
    assert len({law for fault in FAULTS.values() for law in fault.laws}) >= 17


@pytest.mark.parametrize("name", EACH_BY_ITS_LAWS)
def test_a_fault_falls_by_the_law_named_for_it(name):
    """The laws that fall are those that were named, each with a repair; nothing is left unexplained."""
    found = failed(name)
    fallen = [result for result in found if result.status is Status.FALLS]
    assert {result.law_id for result in fallen} == FAULTS[name].laws
    assert all(result.repair and result.detail for result in fallen)
    if name != NO_GRADIENT:
        assert fallen == found


@pytest.mark.parametrize(
    ("name", "fact", "words"),
    [
        ("SignTurned", "JVP-001 du/dt", "turn the sign of (t - r) du/dt"),
        ("HalfDerivative", "JVP-001 du/dt", "`correction` = 0.5"),
        ("CoarseDifference", "JVP-001 du/dt", "forward difference of step 0.01"),
        ("FourthPower", "WGT-001 weight", "here the weight has its square"),
        ("Summed", "WGT-003 reduction", "declare `reduction` sum"),
        ("TimesSwapped", "ID-001 times", "in the order in which it takes them"),
        ("GuidedByItsLabel", "ID-001 guided velocity", "without a label"),
        ("OtherClamp", "PRED-001 clamp", "declare the clamp"),
        ("ShareInverted", "TIME-002 share", "share of r = t; the code's number is that of r < t"),
        ("AverageSeldom", "EMA-001 average", "`every` = 16"),
        ("SamplerShort", "ID-001 4 steps of the sampler", "take the last step"),
        ("RampUndeclared", "LR-002 every step", "`warmup_steps` = 10"),
    ],
)
def test_the_repair_is_the_one_that_was_put_in(name, fact, words):
    """What the suite would change is what was broken, in words that say it."""
    repairs = {result.key: result.repair for result in failed(name)}
    assert words in repairs[fact]


def printed(text):
    """What a program prints, as the numbers found and what the law says of them, a pair a line."""
    output = StringIO()
    with redirect_stdout(output):
        exec(compile(text, "snippet", "exec"), {})
    lines = [line.rpartition(" by law ") for line in output.getvalue().splitlines()]
    return [([float(word.strip(",")) for word in told.rpartition(": ")[2].split()], law) for told, _, law in lines]


WORDS = {
    "above": operator.gt,
    "below": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "<": operator.lt,
    "not": operator.ne,
}


def agrees(numbers, law):
    """Whether what was found is what the law says of it, in the words of a snippet."""
    *word, last = law.split()
    if law == "within [0, 1]":
        return numbers[0] >= 0 and numbers[1] <= 1
    if law == "that of the batch":
        return True
    if word:
        return WORDS[word[0]](numbers[0], float(last))
    return numbers[0] == pytest.approx(float(last), rel=2e-6, abs=1e-12)


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_program_without_the_suite_shows_what_fell(name):
    """Each fallen fact has one, which imports the adapter and nothing of ours, and prints what the law forbids."""
    loaded = LoadedAdapter(Path(broken.__file__), name, FAULTS[name].adapter)
    for result in failed(name):
        if result.status is not Status.FALLS:
            continue
        text = snippet(result, loaded, loaded.make())
        assert "neuromf" not in text.replace(str(loaded.file), "").split("spec =")[1]
        assert not all(agrees(numbers, law) for numbers, law in printed(text)), text
