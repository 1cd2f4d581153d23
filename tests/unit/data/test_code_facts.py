"""What the code computes is part of the name of all that is kept of it."""

from __future__ import annotations

import ast
import importlib.abc
import importlib.util
import py_compile
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from neuromf.data import cache, code_facts
from neuromf.data.code_facts import DEMONSTRATION, ENCODING, STORING, module_hash, source_hash
from neuromf.data.store_settings import StoreSettings

pytestmark = pytest.mark.law("DATA-007")

DECIDING = {*ENCODING, *STORING, *DEMONSTRATION}
NEUTRAL = {
    "neuromf": "gives the version",
    "neuromf._lazy": "imports",
    "neuromf.counted": "words of sentences",
    "neuromf.data.cache": "asks for what is kept",
    "neuromf.data.cache_entry": "keeps what was made",
    "neuromf.data.claims": "shares the work",
    "neuromf.data.code_facts": "names what was made",
    "neuromf.scheduled_job": "says who works",
    "neuromf.data.cohort_table": "a table beside the latents",
    "neuromf.data.encode_job": "shares the work",
    "neuromf.data.encode_progress": "who is told",
    "neuromf.data.first_look": "asks for what is kept",
    "neuromf.data.orientation": "sentences on a header",
    "neuromf.data.preparing": "shares the work",
    "neuromf.data.quarantine": "names what cannot be used; a store is named after what it holds",
    "neuromf.data.refused_folder": "refuses",
    "neuromf.data.hash_notes": "names what was made",
    "neuromf.data.scan_hashes": "names what was made",
    "neuromf.data.staging": "where a folder is filled",
    "neuromf.data.store": "opens and verifies what was made",
    "neuromf.data.store_settings": "carries what is in the key",
    "neuromf.errors": "sentences",
    "neuromf.lock": "shares the work",
    "neuromf.lock_holder": "shares the work",
    "neuromf.lock_mount": "shares the work",
    "neuromf.nets.torch_file": "weights, which the autoencoder's fingerprint holds",
    "neuromf.nets.vae_checkpoint": "weights, which the autoencoder's fingerprint holds",
    "neuromf.config.schema": "a name that no file stands for",
    "neuromf.nets.vae_source": "which autoencoder, whose fingerprint is in the key",
    "neuromf.nets.wrapped_weights": "weights, which the autoencoder's fingerprint holds",
    "neuromf.output": "sentences",
    "neuromf.own_code": "the user's code, which the autoencoder's fingerprint holds",
    "neuromf.source_code": "names what was made",
}
"""Modules that run or are imported while a store is made, and decide no value in it."""
NAMING = (
    "cohort", "contents", "identity", "image_files", "left_out", "naming", "scan", "schemes", "selection", "subjects",
    "versions",
)  # fmt: skip
"""Modules that decide which scans a folder holds and whose they are."""


def source_of(name):
    return Path(importlib.util.find_spec(name).origin).read_text(encoding="utf-8")


def run_modules(action):
    """Modules of neuromf of which some function runs in `action`."""
    seen = set()

    def note(frame, event, _):
        if event == "call":
            seen.add(frame.f_globals.get("__name__", ""))

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    return {name for name in seen if name.split(".")[0] == "neuromf"}


def imported_by(name):
    """Modules of neuromf that a module takes names from, wherever in it."""
    taken = (node for node in ast.walk(ast.parse(source_of(name))) if isinstance(node, ast.ImportFrom))
    return {node.module for node in taken if node.module.split(".")[0] == "neuromf"}


def test_all_code_that_makes_a_store_is_in_its_key(tmp_path, monkeypatch, preprocessing, codec, cohort):
    """What runs while scans are made and encoded, and what that code imports, is hashed or decides no value."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path))
    settings = StoreSettings(preprocessing, codec, (1.0, 0.0, 0.0), 0)
    made = run_modules(lambda: cache.demo_latents(1, 0, settings))
    encoded = run_modules(lambda: cache.folder_latents(cohort, settings))
    assert set(ENCODING) - {"neuromf.nets.vae_architecture", "neuromf.nets.own_vae"} <= encoded & made, (
        "the trace sees what runs"
    )
    used = made | encoded | {name for module in DECIDING for name in imported_by(module)}
    assert used - DECIDING == set(NEUTRAL) & used
    # Of a user's folder these decide ids, which are themselves in the key, and whether a scan is there at all.
    assert encoded - {*ENCODING, *STORING, *NEUTRAL} <= {f"neuromf.data.{name}" for name in NAMING}


@pytest.mark.parametrize("name", sorted(DECIDING))
def test_words_and_ends_of_lines_are_not_code(name):
    """Comments, docstrings, blank lines, layout and another system's line ends leave a module's hash as it is."""
    source = source_of(name)
    told = ast.parse(source)
    for node in ast.walk(told):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            node.value.value = "Told otherwise."
    relaid = "# a comment\n\n" + ast.unparse(told)
    assert source_hash(relaid) == source_hash(relaid.replace("\n", "\r\n")) == source_hash(source) == module_hash(name)


def altered(node):
    """Another value, operator, name or target in place of a node's own; False where it has none."""
    match node:
        case ast.Constant(value=bool() | None):
            node.value = not node.value
        case ast.Constant(value=int() | float()):
            node.value = node.value + 1 if node.value else type(node.value)(-1)
        case ast.Constant(value=str() | bytes()):
            node.value = node.value * 2 or type(node.value)(b"x" if isinstance(node.value, bytes) else "x")
        case ast.BinOp(left=left, right=right) if ast.dump(left) != ast.dump(right):
            node.left, node.right = right, left
        case ast.Compare():
            node.ops[0] = ast.NotEq() if isinstance(node.ops[0], ast.Eq) else ast.Eq()
        case ast.Name() | ast.arg():
            setattr(node, node._fields[0], getattr(node, node._fields[0]) + "_")
        case ast.Attribute():
            node.attr += "_"
        case ast.keyword(arg=str()):
            node.arg += "_"
        case ast.Call(args=[first, second, *_]) if ast.dump(first) != ast.dump(second):
            node.args[:2] = second, first
        case ast.Return():
            node.value = None if node.value else ast.Constant(0)
        case _:
            return False
    return True


def test_any_change_of_code_is_another_hash():
    """A value, operator, name, argument or result, changed alone, changes its module's hash: some of each module."""
    missed, count = [], 0
    for name in sorted(DECIDING):
        source = source_of(name)
        before, size = source_hash(source), len(list(ast.walk(ast.parse(source))))
        for index in range(len(name) % 10, size, max(size // 5, 1)):
            tree = ast.parse(source)
            for node in ast.walk(tree):  # what stands alone as text is told, not done
                if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                    node.value = ast.Constant(...)
            node = list(ast.walk(tree))[min(index, size - 1)]
            if altered(node):
                count += 1
                if source_hash(ast.unparse(ast.fix_missing_locations(tree))) == before:
                    missed.append(f"{name}: {ast.dump(node)}")
    assert count > 40
    assert missed == []


def test_types_of_values_are_told_apart():
    """1, 1.0, True and the texts of them are five values, and so are two of one type."""
    values = ("1", "1.0", "True", "'1'", "b'1'", "None", "...", "2", "1.5", "False", "'2'", "b'2'", "1j", "2j")
    assert len({source_hash(f"x = {value}") for value in values}) == len(values)


@pytest.fixture
def compiled_module(tmp_path, monkeypatch):
    """A function that gives the hash of a module of which there is the compiled form alone."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(text):
        module_hash.cache_clear()
        (tmp_path / "bare.py").write_text(text)
        py_compile.compile(str(tmp_path / "bare.py"), cfile=str(tmp_path / "bare.pyc"), doraise=True)
        (tmp_path / "bare.py").unlink()
        return module_hash("bare")

    yield make
    module_hash.cache_clear()


def test_an_installation_without_sources_has_keys_all_the_same(compiled_module):
    """Compiled modules are told apart by what they compute, in functions too."""
    results = ("x in {'a', 'b', 'c'}", "x in {'a', 'b', 'd'}", "x + 1", "x - 1", "x.a")
    texts = [f"def f(x):\n    return {result}\n" for result in results]
    hashes = [compiled_module(text) for text in texts]
    assert len(set(hashes)) == len(texts)
    assert compiled_module("# moved\n\n\n" + texts[0]) == hashes[0]


class Silent(importlib.abc.Loader):
    """A loader that tells neither source nor code, as the one by which pytest rewrites assertions."""


def test_a_module_has_one_hash_whoever_loads_it(monkeypatch):
    """Its file is read where its loader tells no source: a store made within pytest is the store made without it."""
    module_hash.cache_clear()
    told, find = module_hash("neuromf.data.background"), importlib.util.find_spec

    def found(name):
        spec = find(name)
        spec.loader = Silent()
        return spec

    monkeypatch.setattr(importlib.util, "find_spec", found)
    module_hash.cache_clear()
    assert module_hash("neuromf.data.background") == told
    assert told == source_hash(Path(find("neuromf.data.background").origin).read_text())
    module_hash.cache_clear()


def test_every_process_gives_compiled_code_the_same_hash(tmp_path, compiled_module):
    """The order of a set of texts, which differs between processes, does not enter it."""
    here = compiled_module("def f(x):\n    return x in {'a', 'b', 'c', 'd', 'e'}\n")
    code = "from neuromf.data.code_facts import module_hash; print(module_hash('bare'))"
    for seed in ("1", "2"):
        path = {"PYTHONPATH": ":".join([str(tmp_path), *sys.path]), "PYTHONHASHSEED": seed}
        ended = subprocess.run([sys.executable, "-c", code], env=path, capture_output=True, text=True, check=True)
        assert ended.stdout.strip() == here


@pytest.mark.parametrize("name", code_facts.LIBRARIES)
def test_versions_of_libraries_that_resample_are_facts(monkeypatch, name):
    """Another minor version is another key, another patch is not."""
    found = {}
    for version in ("1.2.3", "1.2.4", "1.3.0", "2.2.3"):
        versions = defaultdict(lambda: "1", {name: version})
        monkeypatch.setattr(code_facts.importlib.metadata, "version", versions.__getitem__)
        found[version] = code_facts.code_facts(())
    assert found["1.2.3"] == found["1.2.4"]
    assert found["1.3.0"] != found["1.2.3"] != found["2.2.3"]
