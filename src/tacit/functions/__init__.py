"""Methods over the abstract protocol, written once for every protocol. They see shares and bits only."""
