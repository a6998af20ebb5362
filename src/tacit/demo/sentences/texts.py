"""The clinic's sentences, and how they become numbers of a public shape."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from tacit.demo.sentences.model import folder
from tacit.errors import MisuseError

SENTENCES = (
    "The patient has a fever and a dry cough.",
    "She is coughing and her temperature is high.",
    "He broke his left arm when he fell from a ladder.",
    "The X-ray shows a fracture of the forearm.",
    "Her blood sugar is too high after meals.",
    "The man with diabetes needs insulin every day.",
    "The baby sleeps through the night now.",
    "The newborn no longer wakes up at night.",
    "The waiting room is full this morning.",
    "Many people are waiting to see the doctor.",
    "The pharmacy closes at six in the evening.",
    "You can collect your medicine until six o'clock.",
)

FORBIDDEN = -(2.0**14)
"""What the clinic adds to the scores of padding."""


class Batch(NamedTuple):
    """What the clinic makes of its sentences. Their number and the common length are public, nothing else is.

    ids: int64[N, L]. mask: what is added to scores, float32[N, 1, 1, L]: 0 for words and FORBIDDEN for padding.
    share: float32[N, 1, L], what each position counts in the mean of its sentence.
    """

    ids: Tensor
    mask: Tensor
    share: Tensor


def batch(length: int) -> Batch:
    """The sentences padded to ``length`` word pieces. Raises MisuseError if one is longer."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.enable_padding(length=length)
    encoded = tokenizer.encode_batch(list(SENTENCES))
    longest = max(sum(one.attention_mask) for one in encoded)
    if longest > length:
        raise MisuseError(f"The longest sentence has {longest} word pieces: a length of {length} does not hold it.")
    ids = torch.tensor([one.ids for one in encoded])
    words = torch.tensor([one.attention_mask for one in encoded], dtype=torch.float32)
    return Batch(ids, (1 - words)[:, None, None] * FORBIDDEN, (words / words.sum(1, keepdim=True))[:, None])
