"""One writer at a time, on file systems with and without flock; an error of the disk is never another writer."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from neuromf.errors import InputError
from neuromf.lock import Lock
from neuromf.lock_holder import Holder

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from neuromf.lock import Lock
with Lock(Path(sys.argv[1]), what=Path("run"), whose="another training"):
    print("held", flush=True)
    sys.stdin.read()
"""


def take(path):
    return Lock(path, what=Path("run"), whose="another training")


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".lock"


@pytest.fixture(
    params=[None, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, "localflock"],
    ids=["flock", "ENOSYS", "EOPNOTSUPP", "ENOLCK", "localflock"],
)
def anywhere(request, monkeypatch, tmp_path_factory):
    """A file system with flock, some without, and one whose flock the other nodes do not see."""
    if request.param == "localflock":
        mount(monkeypatch, tmp_path_factory, "rw,localflock")
    elif request.param is not None:
        refuse_flock(monkeypatch, request.param)
    return request.param


def mount(monkeypatch, tmp_path_factory, options):
    """Have the system say that all lies on Lustre, mounted so."""
    table = tmp_path_factory.mktemp("proc") / "mountinfo"
    table.write_text(f"22 1 0:45 / / rw - lustre 10.0.0.1@tcp:/fs {options}\n")
    monkeypatch.setattr("neuromf.lock_mount.TABLE", table)


def refuse_flock(monkeypatch, code):
    def flock(_descriptor, _operation):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.fixture
def other(path):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_is_refused_until_the_first_lets_go(path, anywhere):
    """Naming the first: host, process and since when; and the file goes with the lock."""
    with take(path), pytest.raises(InputError, match="another training") as caught:
        take(path)
    assert f"(process {os.getpid()} on {socket.gethostname()}, since 20" in caught.value.problem
    assert caught.value.file == "run"
    assert not list(path.parent.iterdir())
    take(path).release()


def test_another_process_is_named(path, other):
    """As this one would be."""
    with pytest.raises(InputError, match=rf"another training \(process {other.pid} on .* is writing here; wait for it"):
        take(path)


def test_a_killed_holder_is_in_nobodys_way(path, other):
    """The operating system has let go; what the file says is of the past."""
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert Holder.read(path).process == other.pid
    take(path).release()
    assert not path.exists()


def test_a_killed_holder_is_in_nobodys_way_without_flock(path, other, monkeypatch):
    """Its own machine knows that it is gone."""
    other.send_signal(signal.SIGKILL)
    other.wait()
    refuse_flock(monkeypatch, errno.ENOSYS)
    path.write_text(replace(Holder.read(path), by_flock=False).text())
    with take(path):
        assert Holder.read(path).process == os.getpid()
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize("change", [{"host": "elsewhere"}, {"system": "another start"}], ids=str)
def test_without_flock_a_holder_that_nobody_can_ask_for_is_left_in_peace(path, monkeypatch, change):
    """The sentence says that this file system cannot tell, and which file to remove; nothing is changed."""
    refuse_flock(monkeypatch, errno.ENOSYS)
    path.write_text(replace(Holder.here(by_flock=False), process=2**22 + 1, **change).text())
    before = path.read_bytes()
    with pytest.raises(InputError, match=f"cannot tell whether it still is; .* remove {path}"):
        take(path)
    assert path.read_bytes() == before


def test_without_flock_an_id_given_again_is_not_its_former_owner(path, monkeypatch):
    """Process ids come round."""
    refuse_flock(monkeypatch, errno.ENOSYS)
    path.write_text(replace(Holder.here(by_flock=False), began="1").text())
    take(path).release()


@pytest.mark.parametrize(("turn", "gone"), [("0", False), ("1", True)])
def test_the_next_turn_of_a_job_goes_on_where_the_last_was_killed(path, monkeypatch, turn, gone):
    """On another machine, without flock: a scheduler never runs two turns of a job at once."""
    refuse_flock(monkeypatch, errno.ENOSYS)
    path.write_text(replace(Holder.here(by_flock=False), host="elsewhere", job="7", turn="0").text())
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_RESTART_COUNT", turn)
    if gone:
        take(path).release()
    else:
        with pytest.raises(InputError, match="on elsewhere"):
            take(path)


@pytest.mark.parametrize("by_flock", [True, False])
def test_with_local_flock_a_holder_on_another_node_is_left_in_peace(path, monkeypatch, tmp_path_factory, by_flock):
    """Both nodes get the lock there: the sentence says that nobody can tell, and which file to remove."""
    mount(monkeypatch, tmp_path_factory, "rw,localflock")
    path.write_text(replace(Holder.here(by_flock=by_flock), host="elsewhere").text())
    before = path.read_bytes()
    with pytest.raises(InputError, match=f"on elsewhere.* cannot tell whether it still is; .* remove {path}"):
        take(path)
    assert path.read_bytes() == before


def test_with_local_flock_a_dead_holder_of_this_node_is_passed(path, other, monkeypatch, tmp_path_factory):
    """Its own machine knows, whatever it had locked by."""
    mount(monkeypatch, tmp_path_factory, "rw,localflock")
    with pytest.raises(InputError, match=f"process {other.pid}"):
        take(path)
    other.send_signal(signal.SIGKILL)
    other.wait()
    take(path).release()
    assert not path.exists()


@pytest.mark.parametrize("options", ["rw,flock", "rw,local_lock=none"])
def test_with_shared_flock_a_dead_holder_on_another_node_is_passed(path, monkeypatch, tmp_path_factory, options):
    """It would have the lock if it lived: its text is of the past."""
    mount(monkeypatch, tmp_path_factory, options)
    path.write_text(replace(Holder.here(by_flock=True), host="elsewhere").text())
    take(path).release()
    assert not path.exists()


def test_a_machine_with_flock_heeds_one_without(path):
    """The same network file system may be mounted in two ways."""
    path.write_text(replace(Holder.here(by_flock=False), host="elsewhere").text())
    with pytest.raises(InputError, match="on elsewhere"):
        take(path)


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES, errno.ESTALE, errno.EBADF])
def test_an_error_of_the_file_system_is_not_another_writer(path, monkeypatch, code):
    """It is told as it is."""
    refuse_flock(monkeypatch, code)
    with pytest.raises(InputError, match=os.strerror(code)) as caught:
        take(path)
    assert "another" not in caught.value.sentence


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE])
def test_an_error_of_the_lock_s_own_file_is_not_another_writer(path, monkeypatch, code):
    """The file system knew flock a moment ago."""
    answers, flock = iter([None, code]), fcntl.flock

    def second_fails(descriptor, operation):
        if (error := next(answers)) is not None:
            raise OSError(error, os.strerror(error))
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", second_fails)
    with pytest.raises(InputError, match=os.strerror(code)) as caught:
        take(path)
    assert "another" not in caught.value.sentence


def test_a_folder_that_cannot_be_written_is_not_another_writer(tmp_path):
    """Nor one that is not there."""
    with pytest.raises(InputError, match="No such file") as caught:
        take(tmp_path / "absent" / ".lock")
    assert "another" not in caught.value.sentence


@pytest.mark.parametrize("text", ["", "12\n", "[]", '{"process": 1}', '{"host": "a", "process": "b", "since": "c"}'])
def test_what_is_no_holder_is_no_lock(path, text):
    """An earlier version left a file with an id, a full disk an empty one."""
    path.write_text(text)
    take(path).release()


def test_a_forked_child_that_lives_longer_holds_nothing(path):
    """A worker that is yet to notice that its trainer was killed."""
    lock = take(path)
    (told, tell), (wait, end) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(end)
        os.write(tell, b"I live")
        os.read(wait, 1)
        os._exit(0)
    os.read(told, 1)
    os.close(lock._descriptor)  # as the end of this process would
    take(path).release()
    for descriptor in (told, tell, wait, end):
        os.close(descriptor)
    os.waitpid(child, 0)


def test_of_many_at_once_one_has_it(path, anywhere):
    """Each tries again and again for a while; no two are ever inside together."""
    inside, most, wins, refusals, guard = [0], [0], [0], [], threading.Lock()

    def turn():
        for _ in range(40):
            try:
                with take(path):
                    with guard:
                        inside[0] += 1
                        most[0] = max(most[0], inside[0])
                        wins[0] += 1
                    with guard:
                        inside[0] -= 1
            except InputError as error:
                refusals.append(error.problem)

    threads = [threading.Thread(target=turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert wins[0] > 0
    assert all("another training" in problem for problem in refusals)
