"""What the gate found as JUnit XML, where there are several configurations or one that could not be judged."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from neuromf.gate.ci.findings import JudgedConfig
from neuromf.gate.junit import junit_text, suite_of


def junit_of(config: JudgedConfig) -> str:
    """JUnit text of one configuration."""
    return junit_text(_suite(config))


def junit_of_each(configs: Sequence[JudgedConfig]) -> str:
    """JUnit text of several configurations, a suite each."""
    root = ElementTree.Element("testsuites")
    root.extend(_suite(config) for config in configs)
    return junit_text(root)


def _suite(config: JudgedConfig) -> ElementTree.Element:
    """The laws of a verdict; one error where there is no verdict."""
    if config.verdict is not None:
        return suite_of(config.verdict)
    name = f"neuromf gate {config.name}"
    suite = ElementTree.Element("testsuite", name=name, tests="1", failures="0", errors="1", time="0.000")
    case = ElementTree.SubElement(suite, "testcase", classname="gate.configuration", name="loads")
    sentence = config.error.sentence if config.error else ""
    ElementTree.SubElement(case, "error", message=sentence).text = sentence
    return suite
