"""Names that hold any bytes, and terminals that know ASCII alone."""

import errno
import io
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromf.errors import InputError
from neuromf.output import whole_file, write_output, writing
from neuromf.readable import printable, readable, show_all
from tests.support.reported_run import write_run
from tests.support.tiny_run import TINY, allow_blocked

ROOT = Path(__file__).parents[3]
LATIN = os.fsdecode(b"r\xe9n")
"""A name as an old system wrote it, which is no UTF-8."""
ASCII_ALONE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}


def neuromf(*arguments, cwd, **environment):
    """The command as a user runs it, in another environment; its output as bytes."""
    command = [sys.executable, "-m", "neuromf", *map(str, arguments)]
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run(command, cwd=cwd, env=settings, capture_output=True, check=False)


@given(name=st.binary(max_size=20).filter(lambda name: b"\0" not in name))
def test_any_name_of_a_file_is_readable(name):
    """Whatever its bytes, it can be encoded, and printed without breaking the line."""
    text = os.fsdecode(name)
    readable(text).encode()
    assert printable(text).isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("brain", "brain"),
        ("é→", "é→"),
        (LATIN, r"r\xe9n"),
        ("é".encode().decode("ascii", "surrogateescape"), "é"),
        ("\ud800", r"\ud800"),
    ],
)
def test_bytes_that_are_utf8_are_letters_and_others_are_escaped(text, shown):
    """Also where Python took them for ASCII."""
    assert readable(text) == shown


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", rb"4 -> 5, \xe9, r\xe9n"), ("utf-8", "4 → 5, é, ".encode() + rb"r\xe9n")]
)
def test_a_stream_shows_what_its_encoding_does_not_know(encoding, shown):
    """An arrow is an arrow in ASCII too; another letter is escaped, and nothing is raised."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    show_all([stream, None, object()])
    stream.write(f"4 → 5, é, {LATIN}")
    assert raw.getvalue() == shown


@pytest.mark.parametrize("name", ["é→", LATIN], ids=["not ASCII", "not UTF-8"])
@pytest.mark.parametrize("environment", [ASCII_ALONE, {"PYTHONIOENCODING": "utf-8"}], ids=["ascii", "utf-8"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["report", "NAME", "--no-decode", "--out", "NAME.html"], 0),
        (["watch", "NAME", "--once"], 0),
        (["compare", "NAME", "NAME"], 0),
        (["replay", "public_v1", "--out", "NAME-replay"], 0),
        (["train", "smoke", "--out", "NAME"], 2),
        (["gate", "NAME.yaml", "--static"], 2),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_no_name_ends_a_command_in_a_traceback(tmp_path, name, environment, arguments, code):
    """On an ASCII terminal, and for a name that no encoding has: the command does what it does for any other."""
    write_run(tmp_path / name)
    ended = neuromf(*(part.replace("NAME", name) for part in arguments), cwd=tmp_path, **environment)
    assert (ended.returncode, b"Traceback" in ended.stderr) == (code, False), ended.stderr[-300:]
    (ended.stdout + ended.stderr).decode("ascii" if environment is ASCII_ALONE else "utf-8")


def test_a_page_of_a_run_whose_name_is_no_utf8_is_utf8(tmp_path):
    """The byte is escaped, and the page whole."""
    write_run(tmp_path / LATIN)
    write_run(tmp_path / "other")
    ended = neuromf("report", LATIN, "other", "--no-decode", cwd=tmp_path, PYTHONIOENCODING="utf-8")
    assert ended.returncode == 0, ended.stderr[-300:]
    assert r"r\xe9n" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_reason_that_is_not_ascii_is_kept_and_shown(tmp_path):
    """On an ASCII terminal the run keeps the reason of --allow-blocked, with the bytes that Python took for none."""
    options = allow_blocked(*TINY, "training.divergence_threshold=null")[:-1]
    environment = {**ASCII_ALONE, "NEUROMF_CACHE": str(tmp_path / "cache")}
    ended = neuromf("train", "smoke", "--out", "run", *options, "é →", "--max-steps", 1, cwd=tmp_path, **environment)
    assert (ended.returncode, b"Traceback" in ended.stderr) == (0, False), ended.stderr[-300:]
    assert rb"\xe9 ->" in ended.stdout
    assert "é →" in readable(json.loads((tmp_path / "run" / "run.json").read_text())["gate"])


def test_json_is_json_on_an_ascii_terminal(tmp_path):
    r"""An escape such as `\xd7` is none of JSON's."""
    ended = neuromf("laws", "claims", "--json", cwd=tmp_path, **ASCII_ALONE)
    assert len(json.loads(ended.stdout)) >= 40


def test_a_full_disk_is_told_with_the_file(tmp_path):
    """A write knows no name; the sentence does, and what stood there before still stands."""
    path = tmp_path / "report.html"
    write_output(path, "before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(InputError, match=r"report\.html: cannot be written \(File too large\)"):
            write_output(path, "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert path.read_text() == "before"
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]


def test_a_file_that_is_cut_short_never_gets_its_name(tmp_path):
    """Whatever writes it: the former one stands, and no half of the new one."""
    (tmp_path / "picture.png").write_bytes(b"before")

    def cut_short():
        with whole_file(tmp_path / "picture.png") as staging:
            assert staging.suffix == ".png", "some writers choose a format by it"
            staging.write_bytes(b"ha")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_short()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("picture.png", b"before")]


def test_a_folder_that_is_not_there_is_told_with_the_files_own_name(tmp_path):
    """Not with that of the temporary file."""
    with pytest.raises(InputError, match="No such file") as caught:
        write_output(tmp_path / "absent" / "report.html", "text")
    assert caught.value.file == str(tmp_path / "absent" / "report.html")


@pytest.mark.parametrize("option", ["--json", "--junit", "--report"])
def test_a_device_that_is_full_is_named(tmp_path, option):
    """The gate's outputs may be a device or a pipe, which no staging file can stand in for."""
    ended = neuromf("gate", "smoke", "--static", option, "/dev/full", cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.decode().startswith("neuromf: /dev/full: cannot be written (No space left on device)")


def test_an_error_that_names_its_file_keeps_it(tmp_path):
    """Of several files the one that could not be opened is named."""
    with pytest.raises(InputError, match=r"other\.csv"), writing(tmp_path):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path / "other.csv"))


def test_a_link_stays_a_link(tmp_path):
    """What it leads to is written, in the mode that it has."""
    (tmp_path / "there.json").write_text("old")
    (tmp_path / "there.json").chmod(0o640)
    (tmp_path / "link.json").symlink_to("there.json")
    write_output(tmp_path / "link.json", "new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "there.json").read_text() == "new"
    assert (tmp_path / "there.json").stat().st_mode & 0o777 == 0o640


def test_a_reader_that_leaves_ends_the_command_quietly(tmp_path):
    """`neuromf laws list | head -1` says nothing on standard error."""
    command = [sys.executable, "-m", "neuromf", "laws", "list", "--json"]
    settings = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=tmp_path, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
