import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = "relu-1e4"


def run(*arguments):
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow  # a dozen processes: what is written up comes from this program
def test_the_smallest_row_is_measured_and_compared_with_pytorch(tmp_path):
    file = tmp_path / "bench.json"
    done = run("benchmarks", "--rows", ROW, "--repeat", "1", "--json", str(file), "--network", "lan")
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_text())
    record = found["rows"][ROW]
    assert record["status"] == "measured"
    assert record["rounds"] == 4
    assert record["mb_online"] > 0
    assert record["mb_dealer"] > 0
    assert record["online"]["peak_mb"] > 0
    assert record["online"]["seconds"] > 0
    assert record["live"]["seconds"] > 0
    assert record["dealing"]["seconds"] > 0
    assert record["dealing"]["mb"] == pytest.approx(record["mb_dealer"])
    assert record["max_error"] == 0
    (lan,) = record["networks"]
    assert lan["name"] == "lan"
    assert lan["seconds"] > 4 * 0.5e-3  # four rounds of half a millisecond one way
    assert 0 < record["share_of_limit"] < 1
    assert ROW in done.stdout


@pytest.mark.slow  # a process: the answer to a slip of the pen is its exit status and one line
def test_a_row_that_is_not_there_is_named():
    done = run("benchmarks", "--rows", "division-by-zero")
    assert done.returncode == 2
    assert "no row is called 'division-by-zero'" in done.stderr


def test_the_document_shows_every_row(tmp_path):
    pytest.importorskip("rich")
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks import document
    finally:
        sys.path.remove(str(ROOT))
    machine = {"processor": "P", "cores": 3, "load": 0.1, "torch": "2", "python": "3"}
    limits = {"gemm": 1e9, "rate": 1e9, "latency": 1e-5, "kernels": "avx2"}
    times = {"seconds": 1.0, "spread": 0.1, "cpu": 0.5, "preparing": 0.1, "peak_mb": 100.0}
    counts = {"rounds": 4, "mb_online": 24.5, "mb_dealer": 56.0, "max_error": 0.0, "share_of_limit": 0.5}
    dealing = {"seconds": 0.2, "mb": 56.0}
    measured = {"status": "measured", **counts, "online": times, "live": times, "dealing": dealing}
    links = {"name": "wan", "forecast": 2.0, "seconds": 2.5, "difference": -0.2}
    relu = {"row": "relu", "title": "ReLU 1e6", "who": "nobody", **measured, "networks": [links]}
    exp = {"row": "exp", "title": "exp 1e5", "who": "nobody", "status": "not built", "reason": "no rule"}
    systems = {"tacit": measured, "spu": {"status": "measured", "online": {**times, "seconds": 10.0}, **counts}}
    compared = {"title": "ReLU 1e6", "systems": systems, "ratios": {"spu": {"online": 10.0, "live": 5.0}}}
    facts = {"machine": machine, "limits": limits}
    text = document.text({"rows": {"relu": relu, "exp": exp}, **facts}, {"rows": {"relu": compared}, **facts})
    assert "| ReLU 1e6 | nobody | 1.000 |" in text
    assert "exp 1e5, nobody: not built. no rule." in text
    assert "| wan | 2.000 | 2.500 | -20% |" in text
    assert "**10.0** (5.0)" in text
