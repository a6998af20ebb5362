"""The command line: ``tacit run``, ``tacit dealer``, ``tacit demo``."""

from tacit.cli.app import main

__all__ = ["main"]
