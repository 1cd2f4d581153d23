"""The gate's verdict as JUnit XML, one test case per law."""

from __future__ import annotations

from xml.etree import ElementTree

from neuromf.gate.verdict import GateVerdict


def to_junit(verdict: GateVerdict) -> str:
    """JUnit text: a blocking law is a failure, a warning is written to the case's output."""
    return junit_text(suite_of(verdict))


def junit_text(root: ElementTree.Element) -> str:
    """An element as a document."""
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def suite_of(verdict: GateVerdict) -> ElementTree.Element:
    """The suite of one configuration."""
    blocked = len(verdict.with_status("block"))
    suite = ElementTree.Element(
        "testsuite",
        name=f"neuromf gate {verdict.name}",
        tests=str(len(verdict.results)),
        failures=str(blocked),
        time=f"{verdict.seconds:.3f}",
    )
    for result in verdict.results:
        case = ElementTree.SubElement(suite, "testcase", classname=f"gate.{result.where}", name=result.law_id)
        found = f"{result.found}, bound {result.bound}"
        text = f"{result.title}: {found}. {result.detail} {result.remedy}".strip()
        if result.status == "block":
            ElementTree.SubElement(case, "failure", message=f"{result.title}: {found}").text = text
        else:
            ElementTree.SubElement(case, "system-out").text = f"{result.status}: {text}"
    return suite
