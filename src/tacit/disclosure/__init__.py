"""What is revealed: a party's own policy of what may be, and the ledger on disk of what was. Needs no PyTorch."""
