"""What a job asks for: an option before the site file before the default, each with the place it comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neuromf.errors import InputError
from neuromf.launch.encoding_job import encoding_of
from neuromf.launch.planned import plan
from neuromf.launch.site import read_site

SITE = """\
partition: gpu
account: theirs
qos: normal
gres: gpu:a100
minutes: 600
sbatch: [--mem=64G, --nice=5, --exclude=n7]
encoding:
  partition: cpu
  minutes: 60
"""


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """Plan a launch with a site file."""
    monkeypatch.chdir(tmp_path)

    def make(*sbatch, site=SITE, gpus=4, **typed):
        (tmp_path / "cluster.yaml").write_text(site)
        return plan(tmp_path / "run", gpus, typed, sbatch, tmp_path / "cluster.yaml")

    return make


def head(job):
    return {line.removeprefix("#SBATCH ") for line in job.text().splitlines() if line.startswith("#SBATCH ")}


def test_what_nobody_says_is_of_the_site_file(planned):
    """Partition, account, time and kind of GPU, with the number of GPUs that the run has."""
    lines = head(planned().job)
    assert {"--partition=gpu", "--account=theirs", "--qos=normal", "--gres=gpu:a100:4", "--time=600"} <= lines
    assert {"--mem=64G", "--nice=5", "--exclude=n7"} <= lines
    assert not any(line.startswith("--gpus-per-node") for line in lines)


def test_an_option_outweighs_the_site_file(planned):
    """Each takes the place of its own line, and of no other."""
    lines = head(planned("--mem-per-cpu=8G", account="ours", minutes=90, gres="gpu:h100").job)
    assert {"--account=ours", "--time=90", "--gres=gpu:h100:4", "--mem-per-cpu=8G", "--partition=gpu"} <= lines
    assert not {"--mem=64G", "--account=theirs", "--time=600", "--gres=gpu:a100:4"} & lines


@pytest.mark.parametrize(
    ("typed", "gone"),
    [
        ("--account=ours", "account"), ("-A ours", "account"), ("-q high", "qos"), ("-p fast", "partition"),
        ("-t 30", "time"), ("--gpus=4", "gres"), ("--gres=lscratch:9", "gres"),
    ],
)  # fmt: skip
def test_an_option_of_sbatch_outweighs_the_site_file_too(planned, typed, gone):
    """In whatever form it is typed."""
    lines = head(planned(typed).job)
    assert typed in lines
    assert [line for line in lines if line.startswith(f"--{gone}=") and line != typed] == []


def test_gpus_asked_for_in_another_way_are_asked_for_once(planned):
    """A scratch disk by --gres leaves the GPUs to their number."""
    lines = head(planned("--gres=lscratch:9").job)
    assert {"--gres=lscratch:9", "--gpus-per-node=4"} <= lines


def test_a_job_on_the_cpu_asks_for_no_gpu_of_the_site_file(planned):
    """The file says how GPUs are asked for, not that there are any."""
    lines = head(planned(gpus=0, site="gres: gpu:a100,lscratch:9\n").job)
    assert "--gres=lscratch:9" in lines
    assert not any("gpu" in line for line in lines)


@pytest.mark.parametrize(
    ("site", "sbatch", "typed", "words"),
    [
        ("", "--account=a", {"account": "b"}, "contradicts --account"),
        ("", "-t60", {"minutes": 90}, "contradicts --minutes"),
        ("", "--partition=a", {"partition": "b"}, "contradicts --partition"),
        ("", "--gpus=4", {"gres": "gpu:a100"}, "contradicts --gres"),
        ("account: a\nsbatch: [-A b]\n", "-H", {}, "contradicts account"),
        ("", "-H", {"gres": "gpu:a100:2"}, "asks for 2 GPUs"),
        ("", "-H", {"nodes": 3}, "4 GPUs cannot be shared evenly by 3 nodes"),
        ("encoding: {sbatch: [--array=1-4]}\n", "-H", {}, "several trainers"),
    ],
)
def test_what_contradicts_itself_is_refused(planned, site, sbatch, typed, words):
    """In the command, in the file, and in its section for the encoding."""
    with pytest.raises(InputError) as refused:
        planned(sbatch, site=site, **typed)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("partion: gpu\n", "partion: unknown key; the keys are partition, account"),
        ("minutes: soon\n", "minutes: 'soon' is not allowed here"),
        ("encoding: {nodes: 2}\n", "encoding.nodes: unknown key; the keys are partition"),
        ('account: "a\\nb"\n', "account: 'a\\nb' cannot stand in a script"),
        ("- gpu\n", "holds a list at its top level"),
    ],
)
def test_a_site_file_that_says_something_else_is_refused(tmp_path, text, words):
    """With the key and what may stand there."""
    (tmp_path / "cluster.yaml").write_text(text)
    with pytest.raises(InputError) as refused:
        read_site(tmp_path / "cluster.yaml")
    assert words in str(refused.value)
    assert str(tmp_path / "cluster.yaml") in str(refused.value)


def test_a_site_file_is_looked_for_where_configurations_are(tmp_path, monkeypatch):
    """None there is none; one that is named must be there."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert read_site(None)[0].partition is None
    (tmp_path / "neuromf").mkdir()
    (tmp_path / "neuromf" / "cluster.yaml").write_text("partition: gpu\n")
    assert read_site(None)[0].partition == "gpu"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert read_site(None)[1] == tmp_path / "home" / ".config" / "neuromf" / "cluster.yaml"
    with pytest.raises(InputError, match="cannot be read"):
        read_site(Path("absent.yaml"))


def test_the_record_says_where_each_value_comes_from(planned, tmp_path):
    """For launch.json, and the lines that the launch prints."""
    made = planned(account="ours")
    record = json.loads(json.dumps(made.record(encodes=True)))
    file = str(tmp_path / "cluster.yaml")
    assert record["training"]["account"] == {"value": "ours", "from": "the command"}
    assert record["training"]["partition"] == {"value": "gpu", "from": file}
    assert record["training"]["nodes"] == {"value": 1, "from": "default"}
    assert {"option": "--nice=5", "from": file} in record["training"]["sbatch"]
    assert record["encoding"]["partition"] == {"value": "cpu", "from": f"encoding: in {file}"}
    assert f"partition gpu ({file})" in made.lines()
    assert "nodes 1 (default)" not in made.lines()


def test_the_encoding_has_its_own_place_and_size(planned):
    """Its section of the file, then what is not the training's size: one node, one GPU of the same kind."""
    made = planned(
        "--mail-type=END", "--cpus-per-task=48", "--gpus-per-node=2", "-J mine", gpus=4, nodes=2, account="ours"
    )
    encoding = encoding_of(made.job, made.encoding, None, 1)
    lines = head(encoding)
    assert {"--partition=cpu", "--time=60", "--account=ours", "--mail-type=END", "--nice=5", "--nodes=1"} <= lines
    assert "--gpus-per-node=1" in lines
    assert not {"--mem=64G", "--cpus-per-task=48", "--gpus-per-node=2", "-J mine"} & lines
    of_a_kind = encoding_of(planned().job, planned().encoding, None, 1)
    assert "--gres=gpu:a100:1" in head(of_a_kind)


def test_the_encoding_of_a_job_on_the_cpu_asks_for_no_gpu(planned):
    """Nor by the site file's word."""
    made = planned(gpus=0)
    assert not any("gpu:" in line for line in head(encoding_of(made.job, made.encoding, None, 1)))
