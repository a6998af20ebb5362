"""Whatever is killed, wherever: no part of dealt material is used twice, and the parties agree on which is next."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import tacit
from tacit.correlations.directory import deal, make_keys
from tacit.party import DEALER

SCRIPT = Path(__file__).with_name("killed_runs.py")
COUNT = 40
NAMES = ("lab", "clinic")


@pytest.mark.slow  # 27 runs of two processes: what is promised holds at whatever moment a party dies
def test_no_part_is_used_twice_whoever_is_killed(tmp_path):
    spec = spec_from_file_location("killed_runs", SCRIPT)
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    for name in (*NAMES, DEALER):
        make_keys(name, tmp_path / "keys")
    deal(tacit.plan(script.job, NAMES), COUNT, tmp_path / "dealt", tmp_path / "keys")

    done = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr

    used = {name: _log(tmp_path / f"{name}.log") for name in NAMES}
    for name in NAMES:
        serials = [serial for _, serial in used[name]]
        assert serials == sorted(set(serials)), "a part was used twice, or numbers went back"
        recorded = json.loads((tmp_path / "dealt" / name / "used.json").read_text())["used"]
        assert recorded == serials[-1], "recorded and used differ after a run that nobody disturbed"
        assert not any((tmp_path / "dealt" / name / f"{serial:06}.sealed").exists() for serial in serials)
    lab, clinic = (dict(used[name]) for name in NAMES)
    assert all(lab[round_] == clinic[round_] for round_ in lab.keys() & clinic.keys()), "different parts in one run"
    assert max(lab) == max(clinic), "the last run, which nobody disturbed, did not use a part at both"
    lines = (map(int, line.split()[:3]) for line in done.stdout.splitlines())
    records = {0: (0, 0)} | {round_: recorded for round_, *recorded in lines}
    for round_ in lab.keys() | clinic.keys():
        (serial,) = {of[round_] for of in (lab, clinic) if round_ in of}
        assert serial > max(records[round_ - 1]), "a run used a part that an earlier run had claimed at a party"
        assert serial <= min(records[round_]), "a part was used before its use was recorded"
    assert len(records) == script.STEPS + script.RANDOM_ROUNDS + 2
    assert len(lab.keys() & clinic.keys()) > 5, "too few runs came as far as using a part"
    assert sum(of_lab != of_clinic for of_lab, of_clinic in records.values()) > 1, "no run died between two claims"


def _log(path: Path) -> list[tuple[int, int]]:
    return [tuple(map(int, line.split())) for line in path.read_text().splitlines()]
