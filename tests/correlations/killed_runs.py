"""Runs two parties again and again from dealt material and kills them (SIGKILL) on the way. Started by a test.

usage: killed_runs.py FOLDER: takes FOLDER/dealt and FOLDER/keys, and writes what every party used to FOLDER/NAME.log.
Prints a line for each round, with what the parties' records of use say after it.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
import time
import uuid
from pathlib import Path

import torch

import tacit
from tacit import Settings
from tacit.correlations.directory import Material, folder, material
from tacit.runtime.node import run_node
from tacit.runtime.rendezvous import listen

NAMES = ("lab", "clinic")
SETTINGS = Settings(randomness="directory", connect_timeout=5)
STEPS = 10
"""At each step of taking a part a party is killed once: around every write, sync and rename, and the first read."""

RANDOM_ROUNDS = 16
LONGEST_SECONDS = 0.2


def job():
    x = tacit.secret(torch.ones(200) if tacit.party().rank else None, owner=NAMES[1])
    return tacit.reveal(torch.relu(x * x))


def note(log: Path, round_: int, serial: int) -> None:
    with open(log, "ab") as file:
        file.write(b"%d %d\n" % (round_, serial))
        file.flush()
        os.fsync(file.fileno())


def be(name: str, here: Path, round_: int, addresses, listener: socket.socket, session: str, die_at: int) -> None:
    """One party's process: notes every part that it opens before it reads a byte of it."""
    steps = 0

    def step() -> None:
        nonlocal steps
        if steps == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1

    def stepping(function):
        def stepped(*args, **kwargs):
            step()
            result = function(*args, **kwargs)
            step()
            return result

        return stepped

    class NotedReader(material.SealedReader):
        def __init__(self, file, to, sender, context):
            note(here / f"{name}.log", round_, int.from_bytes(context[-8:], "big"))
            super().__init__(file, to, sender, context)

        read_into = stepping(material.SealedReader.read_into)

    material.SealedReader = NotedReader
    folder.write_used = stepping(folder.write_used)
    real_fsync, real_replace = os.fsync, os.replace
    folder.os = type("StepOs", (), {**vars(os), "fsync": stepping(real_fsync), "replace": stepping(real_replace)})
    supply = Material(here / "dealt", here / "keys")
    run_node(name, addresses, SETTINGS, session, job, (), listener, supply)


def round_of(here: Path, number: int, die_at: dict[str, int], kill: dict[str, float]) -> None:
    listeners = {name: listen(("127.0.0.1", 0)) for name in NAMES}
    addresses = {name: listener.getsockname()[:2] for name, listener in listeners.items()}
    session = uuid.uuid4().hex
    children = {}
    for name in NAMES:
        children[name] = os.fork()
        if children[name] == 0:
            code = 1
            try:
                other = NAMES[1 - NAMES.index(name)]
                listeners[other].close()
                be(name, here, number, addresses, listeners[name], session, die_at.get(name, -1))
                code = 0
            except tacit.errors.TacitError:
                pass
            finally:
                os._exit(code)
    for listener in listeners.values():
        listener.close()
    start = time.monotonic()
    for name, seconds in sorted(kill.items(), key=lambda item: item[1]):
        time.sleep(max(0.0, start + seconds - time.monotonic()))
        os.kill(children[name], signal.SIGKILL)
    statuses = {name: os.waitpid(child, 0)[1] for name, child in children.items()}
    records = [folder.Folder(here / "dealt", name).used for name in NAMES]
    print(number, *records, die_at, kill, statuses, flush=True)


def main(here: Path) -> None:
    torch.set_num_threads(1)
    number = 0
    for step in range(STEPS):
        victim = NAMES[step % 3 > 0]
        round_of(here, number := number + 1, {victim: step}, {})
    for _ in range(RANDOM_ROUNDS):
        victims = random.choice([NAMES, NAMES[:1], NAMES[1:]])
        kill = {name: random.uniform(0, LONGEST_SECONDS) for name in victims}
        round_of(here, number := number + 1, {}, kill)
    round_of(here, number + 1, {}, {})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
