"""The gate's verdict as JUnit XML, one test case per law."""

from __future__ import annotations

from xml.etree import ElementTree

from neuromf.gate.result import REFUSED
from neuromf.gate.verdict import GateVerdict


def to_junit(verdict: GateVerdict) -> str:
    """JUnit text: a law that refuses the launch is a failure, a warning is written to the case's output."""
    refused = [result for result in verdict.results if result.status in REFUSED]
    suite = ElementTree.Element(
        "testsuite",
        name=f"neuromf gate {verdict.name}",
        tests=str(len(verdict.results)),
        failures=str(len(refused)),
        time=f"{verdict.seconds:.3f}",
    )
    for result in verdict.results:
        case = ElementTree.SubElement(suite, "testcase", classname=f"gate.{result.where}", name=result.law_id)
        found = f"{result.found}, bound {result.bound}"
        text = f"{result.title}: {found}. {result.detail} {result.remedy}".strip()
        if result.status in REFUSED:
            ElementTree.SubElement(case, "failure", message=f"{result.title}: {found}").text = text
        else:
            ElementTree.SubElement(case, "system-out").text = f"{result.status}: {text}"
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
