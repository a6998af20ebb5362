"""The peers' environments, beside the project's own: made once, with exact versions."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PYTHON = (3, 11)
"""What SPU's wheels are built for; CrypTen takes it too."""


@dataclass(frozen=True)
class Peer:
    """A system to compare with. alone: packages to install without what they ask for."""

    name: str
    title: str
    alone: tuple[str, ...] = ()

    @property
    def directory(self) -> Path:
        """Its virtual environment."""
        return ROOT / f".venv-{self.name}"

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        return self.directory / "bin" / "python"

    @property
    def requirements(self) -> Path:
        """Its exact versions."""
        return ROOT / "benchmarks" / "peers" / self.name / "requirements.txt"


PEERS = {
    "spu": Peer("spu", "SPU 0.9.5, SEMI2K, ring of 64 bits"),
    "crypten": Peer("crypten", "CrypTen 0.4.1, triples by the first party", alone=("crypten==0.4.1",)),
}


def install(peer: Peer) -> str | None:
    """Make the environment of a peer, if it is not there yet; why that failed, or None."""
    stamp = peer.directory / ".installed"
    wanted = peer.requirements.read_text() + "\n".join(peer.alone)
    if stamp.exists() and stamp.read_text() == wanted:
        return None
    python = _interpreter()
    if python is None:
        return f"it needs Python {_PYTHON[0]}.{_PYTHON[1]}, which is not here"
    print(f"installing {peer.title} into {peer.directory.name} ...", file=sys.stderr, flush=True)
    pip = [str(peer.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    commands = [[python, "-m", "venv", str(peer.directory)], [*pip, "--requirement", str(peer.requirements)]]
    commands += [[*pip, "--no-deps", package] for package in peer.alone]
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip() or "no message").splitlines()[-1]
            return f"`{' '.join(Path(part).name for part in command[:4])} ...` failed: {last}"
    stamp.write_text(wanted)
    return None


def _interpreter() -> str | None:
    if sys.version_info[:2] == _PYTHON:
        return sys.executable
    return shutil.which(f"python{_PYTHON[0]}.{_PYTHON[1]}")
