"""Others' systems on the same work, each in an environment of its own; only their published packages are imported."""
