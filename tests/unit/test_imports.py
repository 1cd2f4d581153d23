"""Imports run one way: spec below neuromf below tools, and flow and config below train."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imports_of(path):
    """Dotted names that a module imports, wherever in it the statement stands."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def modules(*folders):
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def offenders(paths, allowed):
    found = []
    for path in paths:
        found += [f"{path.relative_to(ROOT)}: {name}" for name in imports_of(path) if not allowed(name)]
    return found


def top(name):
    return name.split(".")[0]


def test_laws_use_the_standard_library_alone():
    """The registry, the laws and what they share import the standard library and spec, so that the gate starts fast."""
    paths = [*(ROOT / "spec").glob("*.py"), *modules("spec/laws")]
    assert offenders(paths, lambda name: top(name) in sys.stdlib_module_names | {"spec"}) == []


def test_references_are_independent_of_the_trainer():
    """The reference side imports numpy, scipy, the standard library and itself."""
    allowed = sys.stdlib_module_names | {"numpy", "scipy", "spec"}
    assert offenders(modules("spec"), lambda name: top(name) in allowed) == []


def test_trainer_imports_neither_tools_nor_tests():
    """Neuromf is usable without the harness around it."""
    assert offenders(modules("neuromf"), lambda name: top(name) not in {"tools", "tests"}) == []


@pytest.mark.parametrize(
    ("package", "below"),
    [
        ("config", {"config", "errors"}),
        ("flow", {"config", "flow", "errors"}),
        ("trace", {"config", "errors", "trace"}),
    ],
)
def test_lower_packages_of_the_trainer_import_nothing_above_them(package, below):
    """Configuration, mathematics and trace know nothing of the training loop."""
    paths = modules(f"neuromf/{package}")
    assert paths

    def allowed(name):
        return top(name) != "neuromf" or name.split(".")[1] in below

    assert offenders(paths, allowed) == []


def test_configuration_imports_neither_torch_nor_numpy():
    """Loading a configuration needs pydantic and yaml alone."""
    heavy = {"torch", "numpy", "scipy", "pandas", "monai"}
    assert offenders(modules("neuromf/config"), lambda name: top(name) not in heavy) == []


def test_offender_is_found(tmp_path):
    """The check itself sees an import inside a function."""
    module = tmp_path / "module.py"
    module.write_text("def late():\n    from torch import Tensor\n    import numpy.linalg\n")
    assert imports_of(module) == {"torch.Tensor", "numpy.linalg"}
