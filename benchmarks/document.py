"""``python -m benchmarks.document``: docs/performance.md, its figures as JSON and its picture from files of results."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.measure import Record
from benchmarks.peers.install import PEERS, ROOT
from benchmarks.peers.turns import OURS
from benchmarks.report import HEADINGS, NETWORK_HEADINGS, cells, limits_line, network_cells, seconds

DOCS = ROOT / "docs"
_HEAD = """# Performance

<!-- Written by `make bench-report` from benchmarks/results/. Do not edit. -->

`make bench` measures our own figures, `make bench-peers` those beside others. Parties and dealer are processes on one
machine that talk over loopback, with one thread each. Every repetition works on new inputs. Times are wall time
of the slower party from a barrier until the result is there, settled, still secret: the median of all repetitions.
*Online* is from randomness that was dealt before. Of what lies on each party's disk, encrypted, up to 256 MB is made
ready before the clock starts, products of masks with open weights included (`tacit.prepare`); *preparing* is what that
took, and the rest of a larger row's is read while the clock runs. *Dealing* is what the dealer took for it, one core,
for one repetition. *Dealer beside* is with a dealer that works in the same time and on the same cores. *CPU* is the
processor time of the busier party online. Weights are opened under their masks once in a session, before the
repetitions that count. MB are what all parties together sent each other, and apart from that what the dealer
made for them. *Of limit* is the least that the work can take here (its ring products at the measured rate of one core,
its bytes and its rounds at those of bare sockets, one after the other) as a share of the time online.
"""


def main() -> int:
    """Write all three. Without matplotlib there is no picture."""
    options = _options()
    own, peers = results.load(options.bench), results.load(options.peers)
    try:
        from benchmarks.picture import draw

        draw(own, peers, DOCS / "performance.svg")
    except ImportError:
        print("No picture: matplotlib is not installed (pip install '.[bench]').", file=sys.stderr)
    (DOCS / "performance.md").write_text(text(own, peers))
    (DOCS / "performance.json").write_text(json.dumps(_figures(own, peers), indent=1) + "\n")
    return 0


def text(own: dict[str, Any], peers: dict[str, Any]) -> str:
    """The whole document."""
    parts = [_HEAD]
    if own["rows"]:
        parts += ["## What it takes\n", _machine(own), _own_table(own), _not_measured(own["rows"].values())]
        parts += [*_over_networks(own["rows"].values())]
    if peers["rows"]:
        parts += ["## Beside others\n", _COMPARISON, _machine(peers), _peers_table(peers), _missing(peers)]
        parts += ["![Seconds by row and system](performance.svg)\n"]
    parts += ["All figures: [performance.json](performance.json).\n"]
    return "\n".join(part for part in parts if part)


_COMPARISON = f"""The same work turn by turn: {" and ".join(peer.title for peer in PEERS.values())}. With all of them no
party knows any operand or weight. The others have their correlated randomness made by one of the two parties, which
costs no traffic and protects nothing from that party; ours comes from the dealer, and its traffic is the second number.
Our seconds are those online; the ratio in brackets is against ours with the dealer beside, on the same two cores, where
nothing is made ready before. SPU and CrypTen open weights again in each run, ours once in a session. An error that is
larger than the others' by orders is the system's own: CrypTen's truncation fails now and then, its exp and SPU's are
approximations.
"""


def _figures(own: dict[str, Any], peers: dict[str, Any]) -> dict[str, Any]:
    """Everything that was measured, without the printed tables of primitives."""
    return {"own": _without_tables(own), "peers": _without_tables(peers)}


def _without_tables(found: Any) -> Any:
    if not isinstance(found, dict):
        return found
    return {key: _without_tables(value) for key, value in found.items() if key != "primitives"}


def _machine(found: dict[str, Any]) -> str:
    about, limits = found["machine"], found["limits"]
    return (
        f"{about['processor']}, {about['cores']} cores used, load {about['load']} at the end; "
        f"PyTorch {about['torch']}, Python {about['python']}. {limits_line(limits)}\n"
    )


def _own_table(own: dict[str, Any]) -> str:
    rows = []
    for record in own["rows"].values():
        if record["status"] == "measured":
            rows.append((record["title"], record["who"], *cells(record)))
    return _table(("row", "who knows what", *HEADINGS), rows)


def _not_measured(records: Iterable[Record]) -> str:
    lines = [f"* {r['title']}, {r['who']}: {r['status']}. {r['reason']}." for r in records if r["status"] != "measured"]
    return "\n".join(["Not measured:\n", *lines, ""]) if lines else ""


def _over_networks(records: Iterable[Record]) -> Iterable[str]:
    found = [record for record in records if record.get("networks")]
    if found:
        yield (
            "### Over a network\n\nForecast by the run over bare loopback, whose clocks follow processor time and "
            "messages, and\nmeasured over links with a delay one way and a rate (LAN 0.5 ms and 1 Gb/s, WAN 20 ms and "
            "100 Mb/s);\nthe dealer's material is there already.\n"
        )
        rows = [(record["title"], record["who"], *line) for record in found for line in network_cells(record)]
        yield _table(("row", "who knows what", *NETWORK_HEADINGS), rows)


def _peers_table(peers: dict[str, Any]) -> str:
    systems = [OURS, *PEERS]
    headings = ["row"]
    for name in systems:
        headings += [f"{name} s", "rounds", "MB", "error"]
    headings += [f"{name} / {OURS}" for name in PEERS]
    rows = []
    for record in peers["rows"].values():
        row = [record["title"]]
        for name in systems:
            row += _system(record["systems"].get(name))
        for name in PEERS:
            ratio = record["ratios"].get(name)
            row.append(f"**{ratio['online']:.1f}** ({ratio['live']:.1f})" if ratio else "")
        rows.append(tuple(row))
    return _table(tuple(headings), rows)


def _system(found: Record | None) -> list[str]:
    if found is None:
        return [""] * 4
    if found["status"] != "measured":
        return [str(found["status"]), "", "", ""]
    dealer = f" + {found['mb_dealer']:.1f}" if "mb_dealer" in found else ""
    counts = [str(found["rounds"]), f"{found['mb_online']:.1f}{dealer}", f"{found['max_error']:.0e}"]
    return [seconds(found["online"]["seconds"]), *counts]


def _missing(peers: dict[str, Any]) -> str:
    lines = [f"{name} could not be installed: {reason}.\n" for name, reason in peers.get("missing", {}).items()]
    return "\n".join(lines)


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    texts = sum(1 for heading in headings if heading in ("row", "who knows what", "links"))
    rule = ["---"] * texts + ["---:"] * (len(headings) - texts)
    lines = [headings, rule, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.document", description=__doc__)
    parser.add_argument("--bench", type=Path, default=ROOT / "benchmarks" / "results" / "bench.json")
    parser.add_argument("--peers", type=Path, default=ROOT / "benchmarks" / "results" / "peers.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
