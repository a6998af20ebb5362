"""Compares the ledgers that the parties of one session have."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, zip_longest

from tacit.disclosure.lines import Header, RefusedLine, RevealLine
from tacit.disclosure.verify import WrittenLedger


def compare(ledgers: Sequence[WrittenLedger]) -> list[str]:
    """What does not fit together, the first difference of each two; empty if all tell of the same reveals.

    Lines of code are not compared: each party has its own copy of the program. Nor are times.
    """
    findings = []
    for first, second in combinations(ledgers, 2):
        a, b = first.header, second.header
        if a is None or b is None:
            findings.append(f"{first.path} and {second.path} cannot be compared: one has no header that can be read")
        elif a.party == b.party:
            findings.append(f"{first.path} and {second.path} are both ledgers of '{a.party}'")
        elif (a.session, a.parties) != (b.session, b.parties):
            findings.append(f"{first.path} and {second.path} are of different sessions")
        else:
            findings += _pair(first, a, second, b)
    return findings


def _pair(first: WrittenLedger, a: Header, second: WrittenLedger, b: Header) -> list[str]:
    findings = []
    difference = _difference(first, a.party, second, b.party)
    if difference:
        findings.append(difference)
    for mine, me, theirs, them in ((first, a.party, second, b.party), (second, b.party, first, a.party)):
        if _ended(mine) != "clean":
            continue
        if _ended(theirs) != "clean":
            how = "failed" if theirs.footer else "has no end"
            findings.append(f"the session ended well for '{me}', and in the ledger of '{them}' it {how}")
        elif mine.footer and mine.footer.heads.get(them) != theirs.head:
            findings.append(f"the ledger of '{them}' is not the one that it told '{me}' of when the session ended")
    return findings


def _difference(first: WrittenLedger, a: str, second: WrittenLedger, b: str) -> str:
    for number, (mine, theirs) in enumerate(zip_longest(first.entries, second.entries), 1):
        if mine is None or theirs is None:
            if "clean" not in (_ended(first), _ended(second)):
                return ""  # the session failed here: one was further than the other
            entry, has, lacks = (mine, a, b) if theirs is None else (theirs, b, a)
            return f"reveal {number}, {_text(entry)}, is in the ledger of '{has}' and not in that of '{lacks}'"
        if _compared(mine) != _compared(theirs):
            return f"reveal {number} is {_text(mine)} at '{a}', and {_text(theirs)} at '{b}'"
    return ""


def _ended(ledger: WrittenLedger) -> str:
    return ledger.footer.ended if ledger.footer else ""


def _compared(entry: RevealLine) -> tuple[object, ...]:
    return entry.n, entry.op, entry.label, entry.shape, entry.dtype, entry.to


def _text(entry: RevealLine | None) -> str:
    if entry is None:
        return "nothing"
    shape = "x".join(map(str, entry.shape)) or "scalar"
    label = f" '{entry.label}'" if entry.label else ""
    refused = " (refused there)" if isinstance(entry, RefusedLine) else ""
    return f"{shape} {entry.dtype}{label} to {', '.join(entry.to)} as operation {entry.op}{refused}"
