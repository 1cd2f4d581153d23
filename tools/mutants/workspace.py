"""A copy of the code in which mutmut makes its changes, and what it says of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from neuromf.errors import InputError
from tools.faults.run import copy_tree
from tools.mutants.areas import Area

KILLED = {1, 3}
"""mutmut's exit codes of a change that a failing test told of. A time limit tells of a loop or of a machine that others
use: such a change is asked again, with a limit on the processor's time."""
NONE_YET = "no-such-mutant"
"""A name that matches nothing: mutmut makes every change, learns which test calls what, and then has none to try."""
_PLUGINS = ("-p", "no:cacheprovider", "-p", "tools.faults.first_example", "-p", "no:xdist")
START = """import os

here = os.getcwd()
os.chdir({folder!r})
from mutmut.configuration import config

config()
os.chdir(here)
"""
"""What every Python process does first that finds the copy on its path: the changed code asks mutmut for its settings,
and mutmut looks for them where the process is, which may be any folder."""
FACTOR, SPARE_SECONDS = 2.0, 60.0
"""A change has twice its tests' usual time and 120 s by the clock, and twice that of the processor; one that takes
longer loops. With 20 s by the clock, tests of a second were taken for loops on a machine with nine processes a core."""


class Workspace:
    """A copy of a checkout for one area.

    Args:
        root: the checkout.
        folder: where the copy is made; it must not exist.
        area: whose code is changed.
    """

    def __init__(self, root: Path, folder: Path, area: Area) -> None:
        self.area, self.folder, self.tree = area, copy_tree(root, folder), folder / "mutants"
        # mutmut fills it, but Python looks for the folders of its path once, as it starts.
        (self.tree / "spec").mkdir(parents=True)
        (self.tree / "sitecustomize.py").write_text(START.format(folder=str(folder)), encoding="utf-8")
        config = folder / "pyproject.toml"
        config.write_text(config.read_text(encoding="utf-8") + _configuration(area), encoding="utf-8")

    def names(self) -> list[str]:
        """Every change of the area's code, by name.

        Raises:
            InputError: mutmut cannot run the tests on the unchanged code.
        """
        ended = self._mutmut("run", "--max-children", "1", NONE_YET)
        if not (self.tree / "mutmut-stats.json").exists():
            problem = f"mutmut could not run the tests: {(ended.stdout + ended.stderr).strip()[-1500:]}"
            raise InputError(problem, remedy=f"leave out in areas.toml what fails in {self.tree}", key=self.area.name)
        return sorted(self._exit_codes())

    def alive(self, names: Sequence[str]) -> list[str]:
        """Those of `names` that the tests of their functions do not notice.

        Raises:
            InputError: mutmut did not come to its end.
        """
        ended = self._mutmut("run", "--max-children", "1", *names)
        codes = self._exit_codes()
        if untried := [name for name in names if codes[name] is None]:
            problem = f"{len(untried)} changes were not tried: {(ended.stdout + ended.stderr).strip()[-1500:]}"
            raise InputError(problem, remedy="see what mutmut says", key=self.area.name)
        return [name for name in names if codes[name] not in KILLED]

    def unnoticed(self, names: Sequence[str]) -> list[str]:
        """Those of `names` with which every test of the area passes, and every further one.

        Raises:
            InputError: the tests cannot be run.
        """
        if not names:
            return []
        arguments = ["-x", "-q", *_PLUGINS, *_deselected(self.area), *self.area.tests, *self.area.further]
        asked = json.dumps({"names": ["", *names], "arguments": arguments})
        command = [sys.executable, "-m", "tools.mutants.warm"]
        ended = subprocess.run(
            command, cwd=self.tree, env=self._environment(), input=asked, capture_output=True, text=True, check=False
        )
        passed = ended.stdout.split("\n")[:-1]
        if passed[:1] != [""]:
            problem = f"without any change its tests fail, or cannot be run: {ended.stderr.strip()[-1500:]}"
            raise InputError(problem, remedy="repair them, or leave them out in areas.toml", key=self.area.name)
        return passed[1:]

    def change(self, name: str) -> str:
        """Removed and added lines of a change."""
        lines = self._mutmut("show", name).stdout.splitlines()
        return "\n".join(line for line in lines if re.match(r"[-+](?![-+]{2} )", line))

    def _exit_codes(self) -> dict[str, int | None]:
        metas = sorted((self.tree / "neuromf" / self.area.name).rglob("*.meta"))
        return {k: v for meta in metas for k, v in json.loads(meta.read_text())["exit_code_by_key"].items()}

    def _mutmut(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
        environment = self._environment()
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)

    def _environment(self) -> dict[str, str]:
        """The changed code comes first, torch has one thread, for a process that forks must not have more."""
        one_thread = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        folders = os.pathsep.join(str(folder) for folder in (self.tree, self.tree / "spec"))
        return {**os.environ, **one_thread, "PYTHONPATH": folders}


def _configuration(area: Area) -> str:
    """Mutmut's table of pyproject.toml; JSON's strings and lists are TOML's."""
    settings = {
        "source_paths": ["neuromf"],
        "only_mutate": [f"neuromf/{area.name}/*.py"],
        "also_copy": ["spec", "tools", "golden"],
        "pytest_add_cli_args": [*_PLUGINS, *_deselected(area)],
        "pytest_add_cli_args_test_selection": list(area.tests),
        "timeout_multiplier": FACTOR,
        "timeout_constant": SPARE_SECONDS,
        "track_dependencies": False,
        "use_git_change_detection": False,
    }
    return "\n[tool.mutmut]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())


def _deselected(area: Area) -> list[str]:
    """Of a file that is left out no line runs."""
    return [part for test in area.left_out for part in ("--deselect" if "::" in test else "--ignore", test)]
