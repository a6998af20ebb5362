"""Help, and what is wrong with a command line, come at once: PyTorch, which takes seconds, is not loaded for them."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from tacit import __version__
from tacit.cli.app import app

ROOT = typer.main.get_command(app)
COMMANDS = [
    *((name,) for name in ROOT.commands),
    *((group, name) for group in ("demo", "certs", "ledger") for name in ROOT.commands[group].commands),
]
RUN = """import sys
sys.argv[:] = ["tacit", *{arguments!r}]
try:
    from tacit.cli import main
    main()
except SystemExit as end:
    code = end.code
loaded = [name for name in ("torch", "numpy", "sklearn", "tacit.config.models") if name in sys.modules]
print(f"loaded {{loaded}}", file=sys.stderr)
sys.exit(code)
"""


def run(*command):
    return subprocess.run([sys.executable, "-W", "error", *command], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 2),
        (("--help",), 0),
        (("--version",), 0),
        (("rnu",), 2),
        *(((*command, "--help"), 0) for command in COMMANDS),
        *(((*command, "--no-such-option"), 2) for command in COMMANDS),
        (("run", "nothing.py", "--parties", "lab,clinic"), 2),
        (("run", __file__), 2),
        (("run", __file__, "--parties", "lab,clinic", "--policy", "lab=nothing.toml"), 2),
        (("ledger", "verify", "nothing.jsonl"), 2),
        (("plan", "nothing.py", "--parties", "lab,clinic"), 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_pytorch_is_not_loaded(arguments, code):
    done = run("-c", RUN.format(arguments=arguments))
    assert done.stderr.endswith("loaded []\n"), done.stderr
    assert done.returncode == code


JOB = str(Path(__file__).parents[2] / "examples" / "average.py")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("init", "--yes"), 0),
        (("run", JOB, "--config", "bad.toml", "--party", "lab"), 2),
        (("dealer", "--config", "bad.toml"), 2),
        (("certs", "init", "lab"), 0),
    ],
    ids=lambda value: " ".join(value[:1]) if isinstance(value, tuple) else str(value),
)
def test_a_cluster_file_needs_no_pytorch(arguments, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.toml").write_text("sesion = 's'")
    done = run("-c", RUN.format(arguments=arguments))
    assert done.stderr.endswith(("loaded []\n", "loaded ['tacit.config.models']\n")), done.stderr
    assert done.returncode == code


def test_the_package_runs_as_the_command_does():
    assert run("-m", "tacit", "--version").stdout == f"tacit {__version__}\n"
    as_package, as_command = run("-m", "tacit", "rnu"), run("-m", "tacit.cli", "rnu")
    assert as_package.returncode == as_command.returncode == 2
    assert "rnu" in as_package.stderr
