"""What a node hears of its peers, and on which connections: who is alive, and which connection no longer carries."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic

from tacit.transport.lane import Role


class Signs:
    """When each peer last gave a sign of life.

    Words come over the control connection from a running interpreter; beats come back on the connection for data to the
    peer, from a native thread. Written by the monitor's thread, read by others.
    """

    def __init__(self, peers: Iterable[str], timeout: float) -> None:
        now = monotonic()
        self._timeout = timeout
        self._words = dict.fromkeys(peers, now)
        self._beats: dict[str, float] = {}
        self._heard = dict(self._words)
        self._stuck: dict[tuple[str, Role], tuple[int, float]] = {}
        self._dead: set[tuple[str, Role]] = set()

    def word(self, peer: str) -> None:
        """Frames arrived on the control connection."""
        self._words[peer] = self._heard[peer] = monotonic()

    def beat(self, peer: str) -> None:
        """A pulse arrived."""
        self._beats[peer] = self._heard[peer] = monotonic()

    def heard(self) -> dict[str, float]:
        """When each peer last gave a sign of life (``monotonic()``)."""
        return self._heard.copy()

    def quiet(self, peer: str) -> float:
        """For how many seconds nothing at all was heard of ``peer``."""
        return monotonic() - self._heard[peer]

    def wordless(self, peer: str) -> float:
        """For how many seconds there was no word."""
        return monotonic() - self._words[peer]

    def progress(self, peer: str, role: Role, mark: int, due: bool) -> None:
        """The peer says how much arrived on a connection. due: more is on its way and the peer waits for it."""
        key, now = (peer, role), monotonic()
        last = self._stuck.get(key)
        if not due or last is None or last[0] != mark:
            self._stuck[key] = mark, now
        elif now - last[1] > self._timeout:
            self._dead.add(key)

    def renewed(self, peer: str, role: Role) -> None:
        """Another connection took the place of one."""
        now = monotonic()
        self._heard[peer] = now
        if role is Role.CONTROL:
            self._words[peer] = now
        if role is Role.OUTGOING and peer in self._beats:  # who beat before will beat again
            self._beats[peer] = now
        self._stuck.pop((peer, role), None)
        self._dead.discard((peer, role))

    def forgive(self, gap: float) -> None:
        """This process itself stood still: the others get that much more time."""
        for times in (self._words, self._beats, self._heard):
            for peer in times:
                times[peer] += gap

    def dead(self, peer: str, role: Role, calls: bool) -> bool:
        """Whether a connection carries nothing any more. calls: whether this node made it, and can make another.

        Who hears beats and no words has a peer whose interpreter is busy, or a control connection that is cut. Trying
        the latter again does no harm, so who can does.
        """
        if self.quiet(peer) > self._timeout or (peer, role) in self._dead:
            return True
        wordless = self.wordless(peer) > self._timeout
        if role is Role.CONTROL:
            return wordless and calls
        beat = self._beats.get(peer)
        return role is Role.OUTGOING and beat is not None and not wordless and monotonic() - beat > self._timeout
