"""BERT-base and GPT-2 from their published sizes, with random weights; there if ``transformers`` is installed."""

from __future__ import annotations

from importlib.util import find_spec

from torch import Tensor, nn

INSTALLED = find_spec("transformers") is not None


class _Hidden(nn.Module):
    """A language model from embeddings to its last hidden state: token numbers never reach the secret part."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, embeddings: Tensor) -> Tensor:
        return self.model(inputs_embeds=embeddings, use_cache=False).last_hidden_state  # type: ignore[no-any-return]


def bert() -> nn.Module:
    """BERT-base: 12 layers of width 768 with 12 heads."""
    from transformers import BertConfig, BertModel

    return _Hidden(BertModel(BertConfig(attn_implementation="eager"), add_pooling_layer=False))


def gpt2() -> nn.Module:
    """GPT-2: 12 layers of width 768 with 12 heads, causal."""
    from transformers import GPT2Config, GPT2Model

    return _Hidden(GPT2Model(GPT2Config(attn_implementation="eager")))
