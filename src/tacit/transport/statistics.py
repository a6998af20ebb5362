"""How much went over each link, payload apart from framing."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class LinkStatistics:
    """Counters of one link. ``overhead`` is what framing adds: headers and tags, in bytes."""

    frames_sent: int = 0
    frames_received: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    overhead_sent: int = 0
    overhead_received: int = 0

    def sent(self, payload: int, overhead: int) -> None:
        """Count one data frame sent."""
        self.frames_sent += 1
        self.bytes_sent += payload
        self.overhead_sent += overhead

    def received(self, payload: int, overhead: int) -> None:
        """Count one data frame received."""
        self.frames_received += 1
        self.bytes_received += payload
        self.overhead_received += overhead


@dataclass
class Statistics:
    """Counters of all links of one node, by peer."""

    by_peer: dict[str, LinkStatistics] = field(default_factory=dict)

    def link(self, peer: str) -> LinkStatistics:
        """The counters of the link to ``peer``."""
        return self.by_peer.setdefault(peer, LinkStatistics())

    @property
    def bytes_sent(self) -> int:
        """Payload bytes sent to all peers."""
        return sum(link.bytes_sent for link in self.by_peer.values())

    @property
    def bytes_received(self) -> int:
        """Payload bytes received from all peers."""
        return sum(link.bytes_received for link in self.by_peer.values())
