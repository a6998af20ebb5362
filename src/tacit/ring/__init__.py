"""Integers modulo 2^64 in int64 tensors: fixed point, pseudo-random words, bit planes and bilinear maps."""
