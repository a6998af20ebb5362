"""The benchmark of CUDA devices: rehearsed on the CPU, and silent where there is no device."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import gpu_checks, gpu_times
from tacit.testing.placement import DEVICE, pretended_cuda

ROOT = Path(__file__).parents[2]


def run(*arguments):
    command = [sys.executable, "-m", "benchmarks.gpu", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow  # a process: it must end in peace where there is no device, for scripts run it everywhere
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a device to be measured")
def test_without_a_device_nothing_is_measured():
    done = run()
    assert done.returncode == 0
    assert done.stdout.startswith("no CUDA device here: nothing was measured")


@pytest.mark.slow  # the whole program: a mistake in it would cost time on a device that is there for minutes
def test_a_rehearsal_checks_everything(tmp_path):
    file = tmp_path / "gpu.json"
    done = run("--device", "cpu", "--repeat", "1", "--json", str(file))
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_text())["rows"]
    assert all(record["status"] == "ok" for record in found.values())
    assert {"check matmul, longest sums", "check generator chacha20", "time ring GEMM 128"} <= found.keys()
    assert "check LeNet between two parties" in found
    assert "ring GEMM" in done.stdout


@pytest.mark.slow  # every check, operation by operation: the only sight of its transfers without a device
def test_the_checks_move_what_they_check(monkeypatch):
    """On a pretended device they must not fail for reasons of their own."""
    with pretended_cuda():
        for name, check in gpu_checks.kernels(DEVICE, small=True):
            assert check() is None, name
        monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
        for name, measure in gpu_times.kernels(DEVICE, small=True):
            if not name.startswith("generator"):  # a tensor operation at a time, each checked
                assert measure().endswith(" ms")
