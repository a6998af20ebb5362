"""Correlated randomness dealt ahead of time: a folder for each party, encrypted to it, each part of it used once."""

from tacit.correlations.directory.deal import deal
from tacit.correlations.directory.keys import make_keys
from tacit.correlations.directory.material import Material

__all__ = ["Material", "deal", "make_keys"]
