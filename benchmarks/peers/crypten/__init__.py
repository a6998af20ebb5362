"""CrypTen (two parties, triples made by the first party); needs its own environment."""
