"""Correlated randomness: what a protocol asks for, and the sources that supply it."""

from tacit.correlations._base import Delivery, Source
from tacit.correlations.factory import make_source
from tacit.correlations.supply import Supply

__all__ = ["Delivery", "Source", "Supply", "make_source"]
