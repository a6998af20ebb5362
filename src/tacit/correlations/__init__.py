"""Correlated randomness: what a protocol asks for, and the sources that supply it."""

from tacit.correlations._base import Delivery, Source
from tacit.correlations.make import make_source

__all__ = ["Delivery", "Source", "make_source"]
