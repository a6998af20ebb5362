"""What the operator of a node has of it: signals that stop it, logs, status, metrics. None of them shows a secret."""
