"""Additive secret sharing over Z_2^64 for any number of parties, with correlated randomness from a source."""

from tacit.protocols.additive.protocol import AdditiveProtocol

__all__ = ["AdditiveProtocol"]
