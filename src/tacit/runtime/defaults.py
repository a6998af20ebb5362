"""What a party chooses unless somebody says otherwise. Apart, so that a command line can name it without PyTorch."""

KEYS = "keys"
"""Where keys lie."""

CERTS = "certificates"
"""Where a node's key and certificate lie."""

LEDGERS = "ledgers"
"""Where a party of a cluster writes its ledgers of reveals."""

ONE = 1
"""Threads that a party computes with: parties that share a machine would get into each other's way with more."""

ON_CPU = "cpu"
