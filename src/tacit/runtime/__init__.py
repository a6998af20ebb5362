"""Sessions: who runs what with whom, and the launchers that start them."""
