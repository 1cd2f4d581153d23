"""What a user adds to a job script: read as sbatch reads it, in place of ours, refused where the job would break."""

from __future__ import annotations

import pytest

from neuromf.errors import InputError
from neuromf.launch.gpu_request import gpu_request, recounted, with_count
from neuromf.launch.options import UserOptions


def read(*lines):
    return UserOptions.read(lines)


def check(*lines, gpus=2, nodes=1):
    read(*lines).check(gpus, nodes)


@pytest.mark.parametrize(
    ("typed", "replaced"),
    [
        (forms.split("|"), ours)
        for forms, ours in [
            ("--job-name=a|--job-name a|-J a|-Ja|-HJ a", "job-name"),
            ("--output=a.log|-o a.log|-oa.log", "output"),
            ("--open-mode=truncate", "open-mode"),
            ("--nodes=1|-N 1|-N1|--nodes=1-1", "nodes"),
            ("--ntasks=1|--tasks=1|-n 1|-n1", "ntasks"),
            ("--time=2-0|--time 60|-t60|-t 60", "time"),
            ("--partition=a|-p a|-pa", "partition"),
            ("--requeue|--no-requeue", "requeue"),
            ("--signal=B:USR1@600|--signal B:SIGUSR1@60|--signal=B:10@90", "signal"),
            ("--cpus-per-task=8|-c 8|-c8|--cpus-per-gpu=4", "cpus-per-task"),
            ("--mem=0|--mem 9G|--mem-per-cpu=4G|--mem-per-gpu=40G", "mem"),
            ("--gres=gpu:2|--gres gpu:a100:2|--gres=lscratch:9,gpu:2", "gpus-per-node"),
            ("--gpus=2|-G 2|-G2|-Ga100:2|--gpus-per-node=2|--gpus-per-task=2|--gpus-per-socket=1", "gpus-per-node"),
            ("--tres-per-node=gres/gpu:2|--tres-per-task=cpu:8,gres/gpu=2|--gres=shard:4", "gpus-per-node"),
        ]
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form_of_an_option_replaces_ours(typed, replaced):
    """Short and long, joined and apart, by an alias, behind a flag in the same word."""
    for line in typed:
        check(line)
        assert read(line).replaced == {replaced}, line


@pytest.mark.parametrize(
    "line",
    [
        *("--account=ours", "-A ours", "--time-min=10", "--gres=lscratch:100", "--gres-flags=enforce-binding", "-H"),
        *("--mem-bind=local", "--nodelist=n[1-4]", "-w n1", "--exclusive", "--mail-type END", "-e err.log", "--hold"),
        *("--comment='-t 60 --array=1-4'", "-d afterok:7", "-C a100", "--nice=5", "--spank-thing=3"),
    ],
)
def test_an_option_that_is_none_of_ours_replaces_nothing(line):
    """Also where it begins like one, or holds one as its text."""
    check(line)
    assert read(line).replaced == frozenset()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--array=1-4", "several trainers would share one run folder"),
        ("-a 1-4", "several trainers"),
        ("-Ha1-4", "several trainers"),
        ("--account=ours --array=1", "several trainers"),
        ("--nodes=2", "--nodes says how many nodes"),
        ("-N2-4", "--nodes says how many nodes"),
        ("--ntasks=2", "has one task"),
        ("--tasks-per-node=2", "has one task"),
        ("--ntasks", "has no value"),
        ("--time=", "has no value"),
        (
            "--signal=TERM@60",
            "'--signal=TERM@60': the job saves on SIGUSR1 to its script, before its time is up; "
            "write --signal=B:USR1@SECONDS, 30 or more.",
        ),
        ("--signal=USR1@60", "saves on SIGUSR1"),
        ("--signal=B:USR1@5", "30 or more"),
        ("--signal=B:USR1", "@SECONDS"),
        ("--test-only", "nothing would be queued"),
        ("--wrap=ls", "has a script"),
        ("--gres=gpu:4", "asks for 4 GPUs, and --gpus or training.gpus for 2 processes with a GPU each"),
        ("--gres=gpu:a100:1,gpu:v100:2", "asks for 3 GPUs"),
        ("--gres=gpu", "asks for 1 GPU,"),
        ("-G0", "asks for 0 GPUs"),
        ("--part=a", "write it in full, as --partition"),
        ("--arr=1", "write it in full, as --array"),
        ("ours", "is no option"),
        ("--account=ours extra", "is no option"),
        ("--comment='a", "close its quotes"),
    ],
)
def test_what_breaks_the_job_is_refused(line, words):
    """One sentence with the option as it was typed."""
    with pytest.raises(InputError) as refused:
        check(line)
    assert words in str(refused.value)
    assert str(refused.value).startswith("--sbatch: ")


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("--time=60", [("time", "60")]),
        ("--time 60", [("time", "60")]),
        ("--tasks 1", [("ntasks", "1")]),
        ("--requeue", [("requeue", None)]),
        ("--exclusive", [("exclusive", None)]),
        ("-t60", [("time", "60")]),
        ("-t 60", [("time", "60")]),
        ("-w n1", [("w", "n1")]),
        ("-wn1", [("w", "n1")]),
        ("-HJ a", [("H", None), ("job-name", "a")]),
        ("-Hw n1", [("H", None), ("w", "n1")]),
        ("-H --time=60 -p a", [("H", None), ("time", "60"), ("partition", "a")]),
    ],
)
def test_an_option_has_its_name_its_value_and_the_line_it_was_typed_in(line, options):
    """The long name, or the letter where none is known; several of a line have the line in common."""
    assert [(option.name, option.value, option.text) for option in read(line).options] == [(*o, line) for o in options]


@pytest.mark.parametrize("line", ["--gres=gpu:1", "--gres=shard:1", "-G 1", "--gpus-per-socket=1"])
def test_a_job_on_the_cpu_asks_for_no_gpu(line):
    """With --gpus 0 no process would use it."""
    with pytest.raises(InputError, match="none, on the CPU"):
        check(line, gpus=0)


@pytest.mark.parametrize("line", ["--gres=gpu:2", "--gpus-per-node=2", "--gpus=4", "--tres-per-job=gres/gpu:4", "-N2"])
def test_gpus_of_two_nodes_are_counted_by_node_or_in_all(line):
    """--gpus counts those of the job, --gres those of a node, as sbatch does."""
    check(line, gpus=4, nodes=2)
    with pytest.raises(InputError):
        check(line, gpus=2, nodes=1 if line == "-N2" else 2)


@pytest.mark.parametrize(
    ("gres", "counted", "of_one"),
    [
        ("gpu", "gpu:4", "gpu:1"), ("gpu:a100", "gpu:a100:4", "gpu:a100:1"), ("gpu:a100:2", "gpu:a100:2", "gpu:a100:1"),
        ("gpu:2", "gpu:2", "gpu:1"), ("lscratch:9,gpu", "lscratch:9,gpu:4", "gpu:1,lscratch:9"), ("shard:4",) * 3,
    ],
)  # fmt: skip
def test_a_kind_of_gpu_is_given_a_number(gres, counted, of_one):
    """Where none was typed; for a job of its own the number is another, and other resources stay."""
    assert with_count(gres, 4) == counted
    assert recounted(gres, 1) == of_one
    assert "gpu" not in recounted(gres, 0)


def test_the_last_word_on_queuing_again_counts():
    """As for sbatch."""
    assert read("--no-requeue", "--requeue").requeues
    assert not read("--requeue --no-requeue").requeues
    assert read().requeues


@pytest.mark.parametrize(
    ("name", "value", "count"),
    [
        ("gres", "gpu:a100:2", 2), ("gres", "gpu:2(S:0-1)", 2), ("gres", "gpu:a100", 1), ("gpus", "a100:2,v100:1", 3),
        ("tres-per-node", "gres/gpu:a100=2", 2), ("gpus-per-socket", "2", None), ("gres", "mps:50", None),
    ],
)  # fmt: skip
def test_gpus_are_counted_in_each_way_of_asking(name, value, count):
    """With a type or without, of several types, and not where the node decides."""
    request = gpu_request(name, value)
    assert request is not None
    assert request.count == count
