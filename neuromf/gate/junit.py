"""The gate's verdict as JUnit XML, one test case per law."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from neuromf.gate.result import REFUSED
from neuromf.gate.verdict import GateVerdict
from neuromf.readable import readable

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Letters that no XML document may hold, not even escaped (XML 1.0, section 2.2)."""


def to_junit(verdict: GateVerdict) -> str:
    """JUnit text: a law that refuses the launch is a failure, a warning is written to the case's output."""
    return junit_text(suite_of(verdict))


def junit_text(root: ElementTree.Element) -> str:
    """An element as a document; what XML cannot hold is shown by its code."""
    for element in root.iter():
        element.attrib = {name: _allowed(value) for name, value in element.attrib.items()}
        element.text = None if element.text is None else _allowed(element.text)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _allowed(text: str) -> str:
    return _NO_XML.sub(lambda found: ascii(found[0])[1:-1], readable(text))


def suite_of(verdict: GateVerdict) -> ElementTree.Element:
    """The suite of one configuration."""
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
    return suite
