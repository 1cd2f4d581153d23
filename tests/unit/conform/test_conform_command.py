"""`neuromf conform` as a user types it: exit codes, files, sentences, new adapters, the pytest plugin."""

import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest

from neuromf.conform.new import new_adapter
from tests.support.command_line import run_command

ROOT = Path(__file__).parents[3]
BROKEN = """
from tests.support.conform import broken

class Adapter(broken.{name}):
    pass
"""


@pytest.fixture
def conform(monkeypatch, capsys, tmp_path):
    """Run the command in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_command(monkeypatch, capsys, "conform", *arguments)


def write(name, text):
    Path(name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("kind", ["torch", "lightning"])
def test_a_new_adapter_runs_as_it_is(conform, kind):
    """`--new` writes an adapter that passes and is never written over."""
    assert conform("--new", kind, "mine.py").returncode == 0
    ended = conform("mine.py")
    assert ended.returncode == 0
    assert "PASS" in ended.stdout
    assert conform("--new", kind, "mine.py").returncode == 2


def test_the_adapter_of_jax_is_python():
    """The template for JAX, which is not installed here, can at least be compiled."""
    compile(new_adapter("jax"), "jax.py", "exec")


def test_a_fallen_law_is_told_everywhere(conform):
    """Console, JSON, JUnit and page name the law, its numbers and its repair; the exit code is 1."""
    write("code.py", BROKEN.format(name="HalfDerivative"))
    ended = conform("code.py", "--json", "a.json", "--junit", "a.xml", "--report", "a.html")
    assert ended.returncode == 1
    repair = "multiply du/dt by t - r and not by 0.5 (t - r), or declare `correction` = 0.5"
    assert repair in ended.stdout
    fallen = [law for law in json.loads(Path("a.json").read_text())["laws"] if law["status"] == "falls"]
    assert {law["law_id"] for law in fallen} == {"ID-001", "JVP-001"}
    assert all(law["repair"] == repair for law in fallen)
    suite = ElementTree.fromstring(Path("a.xml").read_text())
    assert suite.get("failures") == "2"
    failures = suite.findall("testcase/failure")
    for failure, law in zip(failures, fallen, strict=True):
        assert f"bound {law['bound']}: {law['detail']}\n{repair}\n" in failure.text
    page = Path("a.html").read_text()
    assert "FAILED" in page
    assert "multiply du/dt by t - r" in page


def test_the_snippet_shows_the_fault_without_the_suite(conform):
    """Run alone, the code that is printed below a fallen law gives a gradient of the sign that the law forbids."""
    write("code.py", BROKEN.format(name="NoDerivative"))
    conform("code.py", "--law", "JVP-001", "--json", "a.json")
    (law,) = json.loads(Path("a.json").read_text())["laws"]
    assert "neuromf_spec" not in law["snippet"]
    printed = StringIO()
    with redirect_stdout(printed):
        exec(compile(law["snippet"], "snippet", "exec"), {})
    signs = [line.split() for line in printed.getvalue().splitlines()]
    wrong = [(float(words[3]) > 0) != (words[-2] == "above") for words in signs]
    assert len(signs) == 2
    assert any(wrong)


def test_facts_are_judged_in_the_same_report(conform):
    """An adapter's numbers of its configuration are judged by the gate's laws, and can fail it."""
    facts = "facts = {'data_proportion': 1.0, 'time_scale': 1.0}"
    write("code.py", f"from tests.support.conform import toy\n\nclass Adapter(toy.Objective):\n    {facts}\n")
    ended = conform("code.py", "--json", "a.json", "--report", "a.html")
    assert ended.returncode == 1
    assert "TIME-007" in [law["law_id"] for law in json.loads(Path("a.json").read_text())["facts"]]
    assert "By its configuration" in Path("a.html").read_text()


def test_what_is_declared_need_not_be_given_as_a_fact(conform):
    """A difference whose step is declared is judged by the law of differences, which asks for its step."""
    facts = "facts = {'time_scale': 1000.0, 'derivative_precision': 'fp32'}"
    write("code.py", f"from tests.support.conform import toy\n\nclass Adapter(toy.Central):\n    {facts}\n")
    conform("code.py", "--json", "a.json")
    judged = {law["law_id"]: law for law in json.loads(Path("a.json").read_text())["facts"]}
    assert "JVP-003" in judged
    assert judged["JVP-005"]["status"] == "block"


@pytest.mark.law("OBS-003")
def test_a_code_that_raises_fails_the_command(conform):
    """Nothing falls of a code that cannot run, and its session is red all the same."""
    raises = "\n    def loss(self, net, samples):\n        raise RuntimeError('no such module')\n"
    write("code.py", f"from tests.support.conform import toy\n\nclass Adapter(toy.Objective):{raises}")
    ended = conform("code.py")
    assert ended.returncode == 1
    assert "RuntimeError: no such module" in ended.stdout
    assert "falls" not in ended.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nowhere_at_all", "cannot be imported"),
        ("class A:\n    pass", "has 0 classes with `declares`"),
        ("class A:\n    declares = {}", "is no Declaration"),
        ("from neuromf.conform import Declaration\nclass A:\n    declares = Declaration()", "names no library"),
        (
            "from neuromf.conform import Declaration\nclass A:\n    declares = Declaration()\n    library = 'torch'",
            "has no function to judge",
        ),
        (
            "from neuromf.conform import Declaration\nclass A:\n    declares = Declaration()\n    library = 'torch'\n"
            "    rate = None\n    def loss(self): ...\n    def __init__(self, x): ...",
            "cannot be made without arguments",
        ),
    ],
)
def test_a_file_that_is_no_adapter_is_refused(conform, text, said):
    """One sentence with file and remedy, exit code 2."""
    write("code.py", text)
    ended = conform("code.py")
    assert ended.returncode == 2
    assert "code.py" in ended.stderr
    assert said in ended.stderr


def test_wrong_usage_is_refused(conform):
    """No adapter, one that is not there, a class that is not in it, and a law that nobody can judge from outside."""
    write("code.py", BROKEN.format(name="NoWeight"))
    for arguments, said in (
        ((), "no adapter is named"),
        (("nowhere.py",), "is no file"),
        (("code.py:Nobody",), "has no adapter Nobody"),
        (("code.py", "--law", "DATA-001"), "cannot be judged from outside"),
        (("code.py", "--json", "code.py"), "would be overwritten"),
    ):
        ended = conform(*arguments)
        assert ended.returncode == 2
        assert said in ended.stderr


def run_pytest(*options, folder=ROOT):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "neuromf.conform.pytest_plugin"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "spec")))}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return subprocess.run(
        [*command, *options], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_plugin_makes_each_law_a_test(tmp_path):
    """A fallen law is a failed test, with its numbers and its repair; one that nothing was judged of is skipped."""
    (tmp_path / "code.py").write_text(BROKEN.format(name="Summed"))
    (tmp_path / "test_own.py").write_text("def test_own():\n    assert True\n")
    adapter = str(tmp_path / "code.py")
    run = run_pytest("--neuromf-adapter", adapter, "-k", "WGT or EMA or own", "-rs", str(tmp_path))
    assert run.returncode == 1
    assert "1 failed, 2 passed, 1 skipped" in run.stdout
    assert "the adapter hands over no `average`" in run.stdout
    assert "WGT-003 reduction falls" in run.stdout
    assert "declare `reduction` sum" in run.stdout


def test_the_plugin_does_nothing_unless_it_is_asked(tmp_path):
    """In a user's session without the option there is no test more, and neither numpy nor torch is imported."""
    (tmp_path / "test_own.py").write_text(
        "import sys\n\ndef test_own():\n    assert not {'numpy', 'torch', 'neuromf_spec'} & set(sys.modules)\n"
    )
    run = run_pytest(folder=tmp_path)
    assert run.returncode == 0, run.stdout
    assert "1 passed" in run.stdout


def test_a_deviation_from_no_law_is_refused(conform):
    """With exit code 2 and the laws and facts that there are."""
    text = "from dataclasses import replace\nfrom tests.support.conform import toy\n\nclass Adapter(toy.Toy):\n"
    write("code.py", text + "    declares = replace(toy.Toy.declares, deviations={'XYZ-999': 'why'})\n")
    ended = conform("code.py")
    assert ended.returncode == 2
    assert "deviations: 'XYZ-999' is neither a law nor a fact" in ended.stderr
    assert "ID-001 4 steps of the sampler" in ended.stderr


def test_one_error_of_all_checks_is_told_once_with_its_place(conform):
    """The line that raised it, and every fact that cannot run for it."""
    raising = "    def loss(self, net, s): return 1 / 0"
    write("code.py", BROKEN.format(name="HalfDerivative").replace("    pass", raising))
    ended = conform("code.py")
    assert ended.returncode == 1
    assert ended.stdout.count("ZeroDivisionError: division by zero (code.py:") == 1
    assert "JVP-001 du/dt" in ended.stdout
