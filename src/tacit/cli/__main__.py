"""``python -m tacit.cli``: the same as ``tacit``, where no entry point is installed."""

from tacit.cli import main

main()
