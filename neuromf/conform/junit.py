"""The verdict as JUnit XML, a test case a fact of a law."""

from __future__ import annotations

from xml.etree import ElementTree

from neuromf_spec.conformance.verdict import FAILED, Status

from neuromf.conform.verdict import ConformVerdict
from neuromf.gate.junit import junit_text
from neuromf.gate.result import format_value


def conform_junit(verdict: ConformVerdict) -> str:
    """JUnit text: what fell is a failure, what cannot run an error, what is not applicable is skipped."""
    counts = {status: len(verdict.with_status(status)) for status in Status}
    suite = ElementTree.Element(
        "testsuite",
        name=f"neuromf conform {verdict.name}",
        tests=str(len(verdict.results)),
        failures=str(counts[Status.FALLS] + counts[Status.UNEXPLAINED]),
        errors=str(counts[Status.CANNOT_RUN]),
        skipped=str(counts[Status.NOT_APPLICABLE]),
        time=f"{verdict.seconds:.3f}",
    )
    kinds = {Status.CANNOT_RUN: "error", Status.NOT_APPLICABLE: "skipped"}
    for result in verdict.results:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"conform.{result.law_id}", name=result.fact, time=f"{result.seconds:.3f}"
        )
        found = f"{format_value(result.value)}, bound {result.bound}: {result.detail}"
        text = "\n".join(part for part in (found, result.repair, verdict.snippets.get(result.key, "")) if part)
        if result.status in FAILED or result.status is Status.NOT_APPLICABLE:
            kind = kinds.get(result.status, "failure")
            ElementTree.SubElement(case, kind, message=f"{result.status.value}: {result.detail}").text = text
        else:
            ElementTree.SubElement(case, "system-out").text = f"{result.status.value}: {text}"
    return junit_text(suite)
