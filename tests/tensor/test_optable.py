"""A part of PyTorch's own table of operators with its own samples; `python -m tacit.testing.optable` runs it all."""

import pytest

from tacit.testing import optable

PART = (
    r"^(acos|atan2|msort|topk|median|quantile|cumprod|cummax|remainder|fmod|div.floor_rounding|gather|take_along_dim|"
    r"index_put|scatter_add|scatter_reduce.amax|searchsorted|nn.functional.(interpolate.bicubic|grid_sample|pad.reflect|"
    r"max_pool3d|multi_margin_loss|unfold)|cdist|logcumsumexp|logical_and|prod|softmax|addmm)$"
)


@pytest.mark.timeout(300)  # a busy machine takes its time over sorting 8,000 numbers
@pytest.mark.slow  # a session for each operator: the whole comparison in small
@pytest.mark.parametrize(
    "op", [op for op in optable.operators() if optable.re.match(PART, optable.full_name(op))], ids=optable.full_name
)
def test_an_operator_gives_what_pytorch_gives(op):
    verdict = optable.examine(op, most=4)
    assert verdict.state in (optable.RIGHT, optable.PARTLY), verdict.words
    assert verdict.gradient not in (optable.WRONG, optable.UNCLEAR), verdict.gradient_words


def test_a_wrong_result_is_noticed(monkeypatch):
    op = next(op for op in optable.operators() if op.name == "square")
    monkeypatch.setattr(optable.tacit, "reveal", lambda x: x.public if x.public is not None else REVEAL(x) + 0.1)
    assert optable.examine(op, most=2).state == optable.WRONG


REVEAL = optable.tacit.reveal
