"""Where a node lets others in: its listener, and those who have not said yet who they are."""

from __future__ import annotations

import selectors
import socket

from tacit.errors import FrameError
from tacit.runtime.greeting import Greeting, Guest, Refusal
from tacit.transport.security import Security
from tacit.transport.sockets import PeerGone

MAX_GUESTS = 64
"""Connections that have not said who they are yet; when more come, the oldest are turned away."""


class Door:
    """Takes connections and hears their greetings; whoever says none in time is turned away.

    listener: None for a node to which nobody connects. strangers: how many were turned away.
    """

    def __init__(self, listener: socket.socket | None, security: Security) -> None:
        self.strangers = 0
        self._listener, self._security = listener, security
        self._guests: list[Guest] = []

    def watch(self, selector: selectors.BaseSelector) -> None:
        """Register what may become readable, this door itself as the data of the listener."""
        if self._listener is not None:
            selector.register(self._listener, selectors.EVENT_READ, self)
        for guest in self._guests:
            selector.register(guest.sock, selectors.EVENT_READ, guest)

    def accept(self) -> None:
        """Take one connection."""
        if self._listener is None:
            return
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        if len(self._guests) >= MAX_GUESTS:
            self._turn_away(self._guests[0])  # who says nothing must not keep out who has something to say
        self._guests.append(Guest(sock, self._security))

    def hear(self, guest: Guest) -> Greeting | None:
        """What a guest says, who is none any more then; None while that has not all arrived."""
        if guest not in self._guests:  # turned away a moment ago
            return None
        try:
            greeting = guest.greeting()
        except (PeerGone, FrameError):
            self._turn_away(guest)
            return None
        if greeting is not None:
            self._guests.remove(guest)
        return greeting

    def expire(self, now: float) -> None:
        """Turn away who took too long."""
        for guest in [guest for guest in self._guests if guest.deadline < now]:
            self._turn_away(guest)

    def dismiss(self) -> None:
        """Turn away all who have not said who they are."""
        for guest in self._guests:
            guest.close()
        self._guests.clear()

    def close(self) -> None:
        """Let nobody in any more."""
        self.dismiss()
        if self._listener is not None:
            self._listener.close()

    def _turn_away(self, guest: Guest) -> None:
        self.strangers += 1
        self._guests.remove(guest)
        guest.close()


def misdirected(greeting: Greeting, me: str, session: str, order: str) -> Refusal:
    """Why a caller is wrong here, whoever it is; empty when it is not."""
    if not greeting.is_for_session(session):
        return f"'{greeting.name}' and '{me}' were started for different sessions"
    if greeting.order != order:
        return f"'{greeting.name}' lists the nodes as {greeting.order}, '{me}' as {order}"
    if greeting.to != me:
        return f"'{greeting.name}' looks for '{greeting.to}' at the address of '{me}'"
    return ""
