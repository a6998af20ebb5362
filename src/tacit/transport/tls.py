"""TLS 1.3 between nodes that know each other by fingerprint; the keys of a sealed wire come out of its handshake."""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from cryptography import x509
from OpenSSL import SSL

from tacit.transport.certificates import Identity, Pins, fingerprint, refusal
from tacit.transport.sealed import KEY_BYTES, Keys, SealedWire
from tacit.transport.security import Entrance, Security
from tacit.transport.sockets import PeerGone
from tacit.transport.wire import Wire

log = logging.getLogger(__name__)

_EXPORTER = b"EXPORTER-tacit-wire"
_SUITE = b"TLS_AES_256_GCM_SHA384"


class Tls(Security):
    """Lets in who shows a certificate of ``pins`` that is valid now, and shows that of ``identity``."""

    def __init__(self, identity: Identity, pins: Mapping[str, Pins]) -> None:
        self._pins = dict(pins)
        self._context = _context(identity)

    def check_address(self, host: str) -> None:
        """Any host will do."""

    def to(self, sock: socket.socket, peer: str) -> Entrance:
        """The client's end of a handshake with ``peer`` and nobody else."""
        return _Handshake(self._context, sock, {peer: self._pins.get(peer, ())}, client=True)

    def of_stranger(self, sock: socket.socket) -> Entrance:
        """The server's end of a handshake with any of the pinned."""
        return _Handshake(self._context, sock, self._pins, client=False)


class _Handshake(Entrance):
    def __init__(self, context: SSL.Context, sock: socket.socket, pins: Mapping[str, Pins], client: bool) -> None:
        super().__init__(sock)
        self._pins = pins
        self._client = client
        self._names: frozenset[str] = frozenset()
        self._tls = SSL.Connection(context, sock)
        (self._tls.set_connect_state if client else self._tls.set_accept_state)()

    def ready(self) -> bool:
        if self._names:
            return True
        try:
            self._tls.do_handshake()
        except (SSL.WantReadError, SSL.WantWriteError):
            return False
        except (SSL.Error, OSError) as error:
            self._end(error)
        self._names = self._identified()
        return True

    def is_from(self, name: str) -> bool:
        return name in self._names

    def write_some(self, parts: Sequence[memoryview]) -> int:
        try:
            return self._tls.send(parts[0])
        except (SSL.WantReadError, SSL.WantWriteError):
            return 0
        except (SSL.Error, OSError) as error:
            self._end(error)

    def read_some(self, buffer: memoryview) -> int:
        try:
            return self._tls.recv_into(buffer)
        except (SSL.WantReadError, SSL.WantWriteError):
            return 0
        except (SSL.Error, OSError) as error:
            self._end(error)

    def beats(self) -> tuple[bytes, int]:
        raise NotImplementedError("an entrance has no pulse")

    def felt(self) -> bool:
        raise NotImplementedError("an entrance has no pulse")

    def wire(self, peer: str, purpose: str, caller: bool) -> Wire:
        material = self._tls.export_keying_material(_EXPORTER, 4 * KEY_BYTES, purpose.encode())
        forth, back, beats_forth, beats_back = (
            material[begin : begin + KEY_BYTES] for begin in range(0, 4 * KEY_BYTES, KEY_BYTES)
        )
        mine = (forth, back, beats_forth, beats_back) if caller else (back, forth, beats_back, beats_forth)
        return SealedWire(self.sock, peer, Keys(*mine))

    def _identified(self) -> frozenset[str]:
        """The names that the other end's certificate stands for. Raises PeerGone when there is none."""
        shown = self._tls.get_peer_certificate(as_cryptography=True)
        chain = self._tls.get_peer_cert_chain(as_cryptography=True) or ()
        issuers: list[x509.Certificate] = [one for one in chain if one != shown]
        if shown is None:
            self._refuse("it shows no certificate")
        reasons = {name: refusal(shown, issuers, name, pins) for name, pins in self._pins.items()}
        names = frozenset(name for name, reason in reasons.items() if not reason)
        if not names:
            self._refuse(_told(reasons) + f" (it is {fingerprint(shown)})")
        return names

    def _refuse(self, reason: str) -> NoReturn:
        self.note = f"the certificate shown there is refused: {reason}"
        log.warning("refused a connection %s: %s", self._where(), reason)
        raise PeerGone

    def _end(self, error: Exception) -> NoReturn:
        if isinstance(error, SSL.Error) and error.args and isinstance(error.args[0], list | tuple):
            reasons = [str(entry[-1]) for entry in error.args[0] if entry]
            if any("alert" in reason for reason in reasons):
                self.note = f"it refused the TLS handshake ({reasons[0]}): does it have this node's fingerprint?"
            elif reasons:
                self.note = f"no TLS 1.3 handshake with it ({reasons[0]})"
            if reasons:
                log.warning("a TLS handshake failed %s: %s", self._where(), reasons[0])
        raise PeerGone from error

    def _where(self) -> str:
        try:
            host, port = self.sock.getpeername()[:2]
        except OSError:
            return "with somebody"
        return f"{'to' if self._client else 'from'} {host}:{port}"


def _told(reasons: Mapping[str, str]) -> str:
    """Why none of these names fits: that it has expired tells more than whose it is not."""
    expired = [reason for reason in reasons.values() if "valid" in reason]
    if expired or len(reasons) == 1:
        return (expired or list(reasons.values()))[0]
    return "it is that of no node here"


def _context(identity: Identity) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_max_proto_version(SSL.TLS1_3_VERSION)
    context.set_tls13_ciphersuites(_SUITE)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET)
    context.use_certificate(identity.certificate)
    for issuer in identity.issuers:
        context.add_extra_chain_cert(issuer)
    context.use_privatekey(identity.key)
    # Who it is follows when the handshake is done, from the fingerprint: no authority is asked.
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _taken_as_shown)
    return context


def _taken_as_shown(*_: Any) -> bool:
    return True
