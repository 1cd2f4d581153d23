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
    """The registry, the laws and what they share import the standard library and themselves: the gate starts fast."""
    paths = [*(ROOT / "spec/neuromf_spec").glob("*.py"), *modules("spec/neuromf_spec/laws")]
    assert offenders(paths, lambda name: top(name) in sys.stdlib_module_names | {"neuromf_spec"}) == []


def test_references_are_independent_of_the_trainer():
    """The reference side imports numpy, scipy, the standard library and itself."""
    allowed = sys.stdlib_module_names | {"numpy", "scipy", "neuromf_spec"}
    assert offenders(modules("spec/neuromf_spec"), lambda name: top(name) in allowed) == []


def test_the_product_imports_neither_tools_nor_tests():
    """What is installed needs nothing of a checkout."""
    assert offenders(modules("neuromf"), lambda name: top(name) not in {"tools", "tests", "golden", "spec"}) == []


@pytest.mark.parametrize(
    ("package", "below"),
    [
        ("flow", {"flow", "_lazy"}),
        ("config", {"config", "errors", "flow"}),
        ("trace", {"errors", "trace"}),
        ("comparison", {"comparison", "errors", "trace"}),
    ],
)
def test_lower_packages_import_nothing_above_them(package, below):
    """Mathematics, configuration, trace and comparison know nothing of the training loop."""
    paths = modules(f"neuromf/{package}")
    assert paths

    def allowed(name):
        return top(name) != "neuromf" or name.split(".")[1] in below

    assert offenders(paths, allowed) == []


def folders():
    """Every folder of the product that holds modules, nested ones too, as dotted names."""
    return [".".join(path.parent.relative_to(ROOT).parts) for path in sorted((ROOT / "neuromf").rglob("__init__.py"))]


def folder_of(name, known):
    """The innermost known folder that a dotted name lies in; None outside the product."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name or None


def folder_imports():
    """For each folder of the product, the folders of the product that its own modules import."""
    known = set(folders()) - {"neuromf"}
    graph = {}
    for folder in known:
        paths = sorted((ROOT / folder.replace(".", "/")).glob("*.py"))
        found = {folder_of(name, known) for path in paths for name in imports_of(path)}
        graph[folder] = found - {folder, None}
    return graph


def test_no_folder_imports_one_that_imports_it():
    """Folders of the product, nested ones too, stand in one order: each can be read after those below it."""
    above = folder_imports()
    assert {"neuromf.training", "neuromf.training.step", "neuromf.monitor.checks"} <= above.keys()
    while above:
        bottom = [folder for folder, below in above.items() if not below & above.keys()]
        assert bottom, f"these import each other: {above}"
        above = {folder: below for folder, below in above.items() if folder not in bottom}


def test_configuration_imports_neither_torch_nor_numpy():
    """Loading a configuration needs pydantic and yaml alone."""
    heavy = {"torch", "numpy", "scipy", "pandas", "monai"}
    assert offenders(modules("neuromf/config"), lambda name: top(name) not in heavy) == []


def test_offender_is_found(tmp_path):
    """The check itself sees an import inside a function."""
    module = tmp_path / "module.py"
    module.write_text("def late():\n    from torch import Tensor\n    import numpy.linalg\n")
    assert imports_of(module) == {"torch.Tensor", "numpy.linalg"}
