"""The first and the last sample of every family of operations: the part of test_parity.py that is never left out."""

import torch

from tacit import Settings
from tacit.testing import parity
from tacit.testing.samples import FAMILIES


def test_a_secret_gives_what_pytorch_gives():
    settings, dtype = Settings(), torch.float32
    families = [family() for family in FAMILIES]
    samples = list({sample.name: sample for family in families for sample in (family[0], family[-1])}.values())
    outcomes = parity.run_all(settings, 2, samples, dtype=dtype)
    wrong = {}
    for sample in samples:
        for mode in parity.modes(sample):
            outcome = outcomes[sample.name, mode]
            wanted = parity.expected(sample, mode, dtype)
            found = outcome.error or parity.difference(sample, outcome, wanted, settings.frac_bits)
            if found:
                wrong[sample.name, mode] = found
    assert not wrong
