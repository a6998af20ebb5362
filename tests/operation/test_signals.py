"""The operator's signals, in a process of its own each time: whatever the program does, it ends, and as it should."""

import signal
import subprocess
import sys
import time

import pytest

HEAR = "import os, signal, sys, threading, time\nfrom tacit.operation import signals\n"


def run(code, **options):
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", HEAR + code], capture_output=True, text=True, check=False, **options
    )
    return done, time.monotonic() - begin


@pytest.fixture(autouse=True)
def _interruptible(interruptible):
    pass


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("loading", ["typer", "tacit.cli.run", "torch"])
def test_a_signal_while_the_command_loads_ends_it_without_a_traceback(signum, loading, tmp_path):
    (tmp_path / "job.py").write_text("def job(): pass\n")
    done, _ = run(
        f"""
class SignalsMeanwhile:
    def find_spec(self, name, path=None, target=None):
        if name == {loading!r}:
            os.kill(os.getpid(), {int(signum)})
            time.sleep(5)
sys.meta_path.insert(0, SignalsMeanwhile())
sys.argv[:] = ["tacit", "run", "job.py", "--parties", "lab,clinic"]
from tacit.cli import main
main()
""",
        cwd=tmp_path,
    )
    assert done.returncode == 128 + signum
    assert f"interrupted by {signum.name}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stop_that_foreign_code_swallows_still_ends_the_command():
    done, _ = run("""
import tacit.cli.app
def swallows():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    except BaseException:
        pass
    raise ImportError("cannot load module more than once")
tacit.cli.app.app = swallows
tacit.cli.main()
""")
    assert (done.returncode, done.stderr) == (143, "tacit: interrupted by SIGTERM.\n")


def test_who_must_be_told_is_told_although_the_main_thread_does_not_come_back():
    done, seconds = run("""
import hashlib
signals.END_SECONDS = 1.5
signals.listen()
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
with signals.when_late(lambda: print("told", flush=True)):
    hashlib.pbkdf2_hmac("sha256", b"", b"", 50_000_000)  # as a kernel: for long, Python's lock is free, no handler runs
""")
    assert (done.returncode, done.stdout) == (143, "told\n")
    assert seconds < 15


def test_a_signal_that_comes_twice_at_once_is_one_and_later_ends_everything():
    done, _ = run("""
signals.listen()
try:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)
except BaseException:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(1.2)
    print("tidied up", flush=True)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(20)
""")
    assert (done.returncode, done.stdout, done.stderr) == (130, "tidied up\n", "")


def test_what_ends_a_forked_child_is_no_word_to_its_parent():
    done, _ = run("""
signals.listen()
with signals.when_late(lambda: print("told")):
    child = os.fork()
    if not child:
        time.sleep(30)
    time.sleep(0.3)
    os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    time.sleep(signals.TELL_SECONDS + 0.5)
print(os.waitstatus_to_exitcode(status))
""")
    assert (done.returncode, done.stdout) == (0, "-15\n"), done.stderr


def test_a_signal_that_was_ignored_stays_ignored():
    done, _ = run("""
signal.signal(signal.SIGINT, signal.SIG_IGN)
signals.listen()
os.kill(os.getpid(), signal.SIGINT)
time.sleep(signals.TELL_SECONDS + 0.3)
signals.leave()
""")
    assert (done.returncode, done.stderr) == (0, "")
