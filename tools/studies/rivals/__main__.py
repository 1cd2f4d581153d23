"""`python -m tools.studies.rivals PART`: each in the environment that has what it needs.

`theirs`, `traincheck` and their `overhead` need the public checkers, `ours` and `write` the checkout's own environment.
"""

import argparse
from pathlib import Path


def main() -> None:
    """One part of the study."""
    parser = argparse.ArgumentParser(prog="python -m tools.studies.rivals", description=__doc__)
    parser.add_argument("part", choices=["theirs", "traincheck", "theirs-overhead", "ours", "ours-overhead", "write"])
    parser.add_argument("--out", type=Path, default=Path("build/rivals"), help="folder of what was heard")
    parser.add_argument("--budget", type=float, default=7_200.0, help="seconds for TrainCheck's runs of a loop")
    parser.add_argument("--processes", type=int, default=2, help="TrainCheck's runs at a time")
    parser.add_argument("--loop", choices=["plain", "meanflow"], action="append", help="of TrainCheck's; both if none")
    given = parser.parse_args()
    if given.part == "traincheck":
        from tools.studies.rivals.traincheck import judge_all

        judge_all(given.out, given.budget, given.processes, tuple(given.loop or ("plain", "meanflow")))
    elif given.part == "theirs":
        from tools.studies.rivals.theirs import hear_all

        hear_all(given.out)
    elif given.part == "theirs-overhead":
        from tools.studies.rivals import theirs, traincheck

        theirs.measure_overhead(given.out)
        traincheck.measure_overhead(given.out)
    elif given.part == "ours-overhead":
        from tools.studies.rivals.ours import measure_overhead

        measure_overhead(given.out)
    elif given.part == "ours":
        from tools.studies.rivals.ours import hear_all

        hear_all(given.out)
    else:
        from tools.studies.rivals.results import write

        write(given.out)


if __name__ == "__main__":
    main()
