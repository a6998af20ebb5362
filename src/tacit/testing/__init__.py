"""Public conformance suites and doubles: what a new transport, protocol or source is tested with."""
