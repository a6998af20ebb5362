"""``python -m benchmarks.peers.crypten ROW``: one row with CrypTen; the last line of the output is the record."""

from __future__ import annotations

from benchmarks.peers import common
from benchmarks.peers.crypten.party import PARTIES, party


def main() -> None:
    """Two processes, and what they report put together."""
    options = common.options("crypten")
    (port,) = common.free_ports(1)
    arguments = [(rank, port, options.row, options.repeat) for rank in range(PARTIES)]
    found = common.in_processes(party, arguments)
    common.report(
        common.record(
            found[0]["seconds"],
            cpu=max(each["cpu"] for each in found),
            rounds=max(each["rounds"] for each in found),
            mb_online=sum(each["bytes"] for each in found) / len(found) / 1e6,  # each counts both ends
            peak_mb=max(each["peak_mb"] for each in found),
            **found[0]["errors"],
        )
    )


if __name__ == "__main__":
    main()
