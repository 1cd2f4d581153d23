"""Names in the code: each says one thing."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]


def classes():
    """Files in which a class of each name is defined, wherever in them it stands."""
    found = defaultdict(list)
    for folder in ("neuromf", "spec", "tools"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    found[node.name].append(str(path.relative_to(ROOT)))
    return found


def test_no_two_classes_have_the_same_name():
    """A class is found by its name alone: no other one in the product, the laws or the tools has it."""
    found = classes()
    assert len(found) > 200
    assert {name: files for name, files in found.items() if len(files) > 1} == {}


def test_no_test_has_a_name_of_more_than_70_characters():
    """A name that long states more than one fact, and a line of pytest's summary cannot hold it."""
    names = [
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert len(names) > 1000
    assert [name for name in names if len(name) > 70] == []
