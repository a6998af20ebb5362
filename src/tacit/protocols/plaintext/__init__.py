"""The plaintext protocol: the same interface and the same fixed point, without any secrecy."""

from tacit.protocols.plaintext.protocol import PlaintextProtocol

__all__ = ["PlaintextProtocol"]
