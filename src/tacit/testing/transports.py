"""The conformance suite of transports: subclass it, say how to connect, and pytest runs it all.

class TestMine(TransportSuite):
    def connect(self, names):
        return {name: ... for name in names}
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest

from tacit.errors import (
    DivergenceError,
    InternalError,
    LinkError,
    PeerError,
    Refusal,
    RevealRefusedError,
    TacitError,
)
from tacit.transport._base import Transport
from tacit.transport.failure import Category, PeerFinishedError

NAMES = ("lab", "clinic", "bank")
PROMPT_SECONDS = 1.5
"""How soon an abort must reach whoever waits."""


class TransportSuite:
    """What every transport must do. ``connect`` returns connected transports by name, all in this process."""

    def connect(self, names: Sequence[str]) -> Mapping[str, Transport]:
        """To be written by the subclass."""
        raise NotImplementedError

    def test_names(self) -> None:
        nodes = self.connect(NAMES)
        assert nodes["lab"].name == "lab"
        assert set(nodes["lab"].peers) == {"clinic", "bank"}
        close_all(nodes)

    def test_frames_arrive_in_order(self) -> None:
        nodes = self.connect(NAMES)
        for number in range(300):
            nodes["lab"].send("clinic", f"tag {number}".encode(), [memoryview(bytes([number % 256]) * number)])
        for number in range(300):
            assert take(nodes["clinic"], "lab") == (f"tag {number}".encode(), bytes([number % 256]) * number)
        close_all(nodes)

    def test_parts_make_one_payload(self) -> None:
        nodes = self.connect(NAMES)
        nodes["lab"].send("bank", b"", [memoryview(b"one"), memoryview(b""), memoryview(b"two")])
        nodes["lab"].send("bank", b"x" * 1024, [])
        assert take(nodes["bank"], "lab") == (b"", b"onetwo")
        assert take(nodes["bank"], "lab") == (b"x" * 1024, b"")
        close_all(nodes)

    def test_large_frames_both_ways_at_once(self) -> None:
        nodes = self.connect(("lab", "clinic"))
        size = 24 << 20
        data = {name: bytes([rank + 1]) * size for rank, name in enumerate(nodes)}
        for name, peer in (("lab", "clinic"), ("clinic", "lab")):
            nodes[name].send(peer, b"large", [memoryview(data[name])])
            nodes[name].send(peer, b"after", [memoryview(b"small")])
        got: dict[str, tuple[bytes, bytes]] = {}

        def job(name: str, peer: str) -> None:
            got[name] = take(nodes[name], peer)
            assert take(nodes[name], peer) == (b"after", b"small")
            nodes[name].backlog(peer, 0)

        together([lambda: job("lab", "clinic"), lambda: job("clinic", "lab")])
        assert got == {"lab": (b"large", data["clinic"]), "clinic": (b"large", data["lab"])}
        close_all(nodes)

    def test_statistics(self) -> None:
        nodes = self.connect(("lab", "clinic"))
        nodes["lab"].send("clinic", b"four", [memoryview(bytes(100))])
        take(nodes["clinic"], "lab")
        sent, received = nodes["lab"].statistics.link("clinic"), nodes["clinic"].statistics.link("lab")
        assert (sent.frames_sent, sent.bytes_sent) == (1, 100)
        assert (received.frames_received, received.bytes_received) == (1, 100)
        assert sent.overhead_sent == received.overhead_received > len(b"four")
        close_all(nodes)

    def test_a_tag_too_long_is_refused_at_once(self) -> None:
        nodes = self.connect(("lab", "clinic"))
        with pytest.raises(InternalError):
            nodes["lab"].send("clinic", b"x" * 1025, [])
        close_all(nodes)

    def test_what_accept_raises_leaves_receive(self) -> None:
        nodes = self.connect(("lab", "clinic"))
        nodes["lab"].send("clinic", b"tag", [memoryview(b"12345678")])

        def refuse(tag: bytes, length: int) -> memoryview:
            raise KeyError((tag, length))

        with pytest.raises(KeyError, match="8"):
            nodes["clinic"].receive("lab", refuse)
        nodes["clinic"].abort("lab", Category.BAD_FRAME)
        with pytest.raises(LinkError):
            take(nodes["lab"], "clinic")
        close_all(nodes)

    def test_an_abort_reaches_everyone_and_names_the_culprit(self) -> None:
        nodes = self.connect(NAMES)
        seen: dict[str, tuple[TacitError, float]] = {}

        def wait(name: str, peer: str) -> None:
            try:
                take(nodes[name], peer)
            except TacitError as error:
                seen[name] = error, time.monotonic()

        start = time.monotonic()
        together(
            [
                lambda: wait("clinic", "lab"),
                lambda: wait("bank", "clinic"),
                lambda: threading.Timer(0.2, nodes["lab"].abort, ("lab", "the patient's name is Bob")).run(),
            ]
        )
        for name in ("clinic", "bank"):
            error, when = seen[name]
            assert isinstance(error, PeerError)
            assert error.party == "lab"
            assert "'lab'" in str(error)
            assert "Bob" not in str(error)
            assert when - start < 0.2 + PROMPT_SECONDS
        close_all(nodes)

    def test_a_refused_reveal_names_the_rule_everywhere(self) -> None:
        nodes = self.connect(NAMES)
        nodes["lab"].abort("lab", Category.POLICY, Refusal("logits", 3, "job.py:12"))
        for name, peer in (("clinic", "lab"), ("bank", "clinic")):
            with pytest.raises(
                RevealRefusedError, match=r"^'lab' refused reveal 3, at job.py:12: 'logits' of"
            ) as caught:
                take(nodes[name], peer)
            assert caught.value.party == "lab"
        close_all(nodes)

    def test_after_a_failure_closing_raises_it_again(self) -> None:
        nodes = self.connect(("lab", "clinic"))
        nodes["lab"].abort("lab", Category.POLICY)
        for node in nodes.values():
            with suppress(TacitError):
                take(node, node.peers[0])
            with pytest.raises(RevealRefusedError):
                node.close()

    def test_goodbyes_tell_what_they_were_given_to_tell(self) -> None:
        nodes = self.connect(NAMES)
        for name in ("lab", "clinic"):
            nodes[name].farewell = f"from {name}"
        close_all(nodes)
        told = {name: "" if name == "bank" else f"from {name}" for name in NAMES}
        for name, node in nodes.items():
            assert node.farewells == {peer: text for peer, text in told.items() if peer != name}

    def test_the_first_failure_wins(self) -> None:
        nodes = self.connect(NAMES)
        nodes["lab"].abort("bank", Category.FROZEN)
        nodes["lab"].abort("clinic", Category.FAILED)
        with pytest.raises(LinkError, match="frozen") as caught:
            nodes["lab"].send("clinic", b"", [])
        assert caught.value.party == "bank"
        with pytest.raises(LinkError, match=r"frozen.*noticed by 'lab'") as caught:
            take(nodes["clinic"], "lab")
        assert caught.value.party == "bank"
        with pytest.raises(LinkError, match="this party"):
            take(nodes["bank"], "lab")
        close_all(nodes)

    def test_waiting_for_a_party_that_has_finished(self) -> None:
        nodes = self.connect(("lab", "clinic"))
        nodes["lab"].send("clinic", b"last", [memoryview(b"word")])

        def stay() -> None:
            assert take(nodes["clinic"], "lab") == (b"last", b"word")
            with pytest.raises(PeerFinishedError, match="'lab' has finished while 'clinic' still waits"):
                take(nodes["clinic"], "lab")
            with pytest.raises(PeerFinishedError):
                nodes["clinic"].send("lab", b"", [])
            nodes["clinic"].close()

        together([nodes["lab"].close, stay])

    def test_close_twice_and_use_after_it(self) -> None:
        nodes = self.connect(("lab", "clinic"))
        close_all(nodes)
        nodes["lab"].close()
        with pytest.raises(TacitError):
            nodes["lab"].send("clinic", b"", [])

    def test_two_programs_that_part_are_told_where(self) -> None:
        nodes = self.connect(NAMES)
        nodes["lab"].witness = Story("lab", NAMES, b"matmul")
        nodes["clinic"].witness = Story("clinic", NAMES, b"relu")
        with pytest.raises(DivergenceError, match="matmul at lab, relu at clinic") as caught:
            nodes["lab"].report_divergence("clinic")
        assert caught.value.party == "clinic"
        with pytest.raises(DivergenceError, match="relu at clinic, matmul at lab"):
            take(nodes["clinic"], "lab")
        with pytest.raises(DivergenceError, match="same program"):
            take(nodes["bank"], "lab")
        close_all(nodes)

    def test_two_that_wait_for_each_other_in_different_ops_find_out(self) -> None:
        nodes = self.connect(("lab", "clinic"))
        nodes["lab"].witness = Story("lab", ("lab", "clinic"), b"matmul")
        nodes["clinic"].witness = Story("clinic", ("lab", "clinic"), b"relu")

        def wait(name: str, peer: str) -> None:
            with pytest.raises(DivergenceError, match=r"matmul.*relu|relu.*matmul"):
                take(nodes[name], peer)

        together([lambda: wait("lab", "clinic"), lambda: wait("clinic", "lab")])
        close_all(nodes)


class Story:
    """A witness with one op."""

    def __init__(self, name: str, names: Sequence[str], op: bytes) -> None:
        self.peers = frozenset(names) - {name}
        self._name, self._op = name, op

    def position(self) -> bytes:
        """The op."""
        return self._op

    def differs(self, position: bytes) -> bool:
        """Whether the peer runs another one."""
        return position != self._op

    def history(self) -> bytes:
        """The op."""
        return self._op

    def explain(self, peer: str, history: bytes) -> str:
        """Both."""
        return f"{self._op.decode()} at {self._name}, {history.decode()} at {peer}"


def take(transport: Transport, peer: str) -> tuple[bytes, bytes]:
    """The tag and payload of the next frame."""
    tags: list[bytes] = []
    buffer = bytearray()

    def accept(tag: bytes, length: int) -> memoryview:
        tags.append(tag)
        buffer.extend(bytes(length))
        return memoryview(buffer)

    transport.receive(peer, accept)
    return tags[0], bytes(buffer)


def together(jobs: Sequence[Callable[[], Any]], seconds: float = 20.0) -> None:
    """Run the jobs in threads; raises what the first of them raises, and fails when they take too long."""
    errors: list[BaseException] = []

    def guarded(job: Callable[[], Any]) -> None:
        try:
            job()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(job,), daemon=True) for job in jobs]
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if errors:
        raise errors[0]
    assert not any(thread.is_alive() for thread in threads), f"still running after {seconds} s"


def close_all(nodes: Mapping[str, Transport]) -> None:
    """Close all at the same time, whether they failed or not."""

    def close(transport: Transport) -> None:
        with suppress(TacitError):
            transport.close()

    together([lambda node=node: close(node) for node in nodes.values()])  # type: ignore[misc]
