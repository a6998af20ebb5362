"""Status of the nodes that run on this host, for their own user: each offers it on a Unix socket, one file a node.

A file's name is that of the node and its process. Whoever connects is sent one JSON object; nothing is read from it.
"""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

from tacit.errors import MisuseError

ANSWER_SECONDS = 2.0
"""How long a node has to answer. It does in a millisecond, unless foreign code holds Python's lock for long."""

_SUFFIX = ".sock"
_LIMIT = 1 << 22


def folders() -> list[Path]:
    """Where the sockets of this user's nodes may be, the first of them where a new one goes.

    A node that a service manager started may have been told less of its surroundings than the shell that asks for it:
    several are looked at, unless TACIT_RUNTIME_DIR says which one.
    """
    if chosen := os.environ.get("TACIT_RUNTIME_DIR"):
        return [Path(chosen)]
    user = os.geteuid()
    runtime = [os.environ.get("XDG_RUNTIME_DIR", ""), f"/run/user/{user}"]
    shared = [os.environ.get("TMPDIR", ""), "/tmp"]  # noqa: S108  (it is checked whose folder it is)
    found = [Path(base, "tacit") for base in runtime if base] + [Path(base, f"tacit-{user}") for base in shared if base]
    return [path for path in dict.fromkeys(found) if os.access(path.parent, os.W_OK)]


def _made(path: Path) -> Path:
    try:
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
    except OSError as error:
        raise MisuseError(f"there is no place for status at {path}: {error.strerror}.") from None
    if not _is_ours(path):
        raise MisuseError(f"{path} must be a folder that is yours and open to nobody else (mode 0700).")
    return path


def _is_ours(path: Path) -> bool:
    """Whether it is a folder of this user's that nobody else can write to or read: who could would answer for nodes."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


@contextmanager
def bound(node: str) -> Iterator[tuple[socket.socket, Path]]:
    """A listening socket for the status of ``node``, and its file, which is gone afterwards. Raises MisuseError."""
    places = folders()
    if not places:
        raise MisuseError("there is no place for status: neither XDG_RUNTIME_DIR nor /tmp can be written to.")
    path = _made(places[0]) / f"{node}.{os.getpid()}{_SUFFIX}"
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            path.unlink()  # of an earlier process with this number
        server.bind(str(path))
        path.chmod(0o600)
        server.listen(8)
    except OSError as error:
        server.close()
        raise MisuseError(f"there can be no socket at {path}: {error.strerror or error}.") from None
    try:
        yield server, path
    finally:
        server.close()
        with suppress(OSError):
            path.unlink()


def ask(name: str = "") -> list[dict[str, Any]]:
    """The status of all nodes of this user on this host, or of those called ``name``; removes what is stale.

    A node that is there and does not answer has the state "silent".
    """
    asked = []
    for path in [path for place in folders() if _is_ours(place) for path in sorted(place.glob(f"*{_SUFFIX}"))]:
        node, _, pid = path.name.removesuffix(_SUFFIX).rpartition(".")
        if node and pid.isdigit() and name in ("", node):
            link = _called(path)
            if link is not None:
                asked.append((node, int(pid), link))
    deadline = monotonic() + ANSWER_SECONDS
    found = [_answer(link, deadline) or _silent(node, pid) for node, pid, link in asked]
    return [status for status in found if status]


def _called(path: Path) -> socket.socket | None:
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.settimeout(ANSWER_SECONDS)
    try:
        link.connect(str(path))
    except ConnectionRefusedError:  # nobody listens there any more
        link.close()
        with suppress(OSError):
            path.unlink()
        return None
    except OSError:
        link.close()
        return None
    return link


def _answer(link: socket.socket, deadline: float) -> dict[str, Any] | None:
    data = b""
    try:
        with link:
            while len(data) < _LIMIT:
                link.settimeout(max(0.01, deadline - monotonic()))
                more = link.recv(1 << 16)
                if not more:
                    break
                data += more
        status = json.loads(data)
    except (OSError, ValueError):
        return None
    return status if isinstance(status, dict) else None


def _silent(node: str, pid: int) -> dict[str, Any]:
    """What is known of a node that says nothing; nothing if its process is gone and a child of it holds the socket."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        how = "stopped" if line.rpartition(")")[2].split()[0] in "Tt" else "busy"
    except OSError:
        try:
            os.kill(pid, 0)
        except OSError:
            return {}
        how = "busy"
    return {"node": node, "pid": pid, "state": "silent", "process": how}
