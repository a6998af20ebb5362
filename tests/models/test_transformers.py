"""Unmodified models of Hugging Face on secret weights and secret inputs, against plaintext."""

import pytest
import torch

import tacit
from tacit import Settings

transformers = pytest.importorskip("transformers")
transformers.logging.set_verbosity_error()

CONFIGURATIONS = {
    "plaintext": Settings(protocol="plaintext"),
    "additive": Settings(randomness="insecure_local"),
    "debug": Settings(randomness="insecure_local", debug=True),
}
IDS = torch.randint(1, 40, (2, 6), generator=torch.Generator().manual_seed(0))
MASK = torch.tensor([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]])
PIXELS = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32}
TOKENS = {"bos_token_id": 0, "eos_token_id": 0}


def bert():
    config = transformers.BertConfig(vocab_size=40, max_position_embeddings=16, **SIZES)
    return transformers.BertModel(config)


def gpt2():
    config = transformers.GPT2Config(vocab_size=40, n_embd=16, n_layer=2, n_head=2, n_positions=16, **TOKENS)
    return transformers.GPT2LMHeadModel(config)


def llama():
    config = transformers.LlamaConfig(
        vocab_size=40, num_key_value_heads=2, max_position_embeddings=16, rms_norm_eps=1e-5, **SIZES, **TOKENS
    )
    return transformers.LlamaForCausalLM(config)


def vit():
    return transformers.ViTModel(transformers.ViTConfig(image_size=16, patch_size=8, **SIZES))


MODELS = {
    "bert": (bert, {"input_ids": IDS}, {"attention_mask": MASK}),
    "gpt2": (gpt2, {"input_ids": IDS}, {}),
    "llama": (llama, {"input_ids": IDS}, {}),
    "vit": (vit, {"pixel_values": PIXELS}, {}),
}


def made(name):
    torch.manual_seed(0)
    return MODELS[name][0]().eval()


def out(result):
    return result.logits if hasattr(result, "logits") else result.last_hidden_state


def job(name, backward):
    _, inputs, public = MODELS[name]
    net = made(name)
    tacit.secret(net, owner="lab")
    secret = {key: tacit.secret(value, owner="clinic") for key, value in inputs.items()}
    y = out(net(**secret, **public))
    if backward:
        y.square().sum().backward()
    gradients = {key: tacit.reveal(p.grad) for key, p in net.named_parameters() if p.grad is not None}
    return tacit.reveal(y), gradients


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_a_model_gives_what_it_gives_in_plaintext(configuration, name):
    backward = name == "bert"
    ours, gradients = tacit.run(job, ["lab", "clinic"], (name, backward), settings=CONFIGURATIONS[configuration])["lab"]
    net = made(name)
    theirs = out(net(**MODELS[name][1], **MODELS[name][2]))
    assert (ours - theirs).abs().max() < 2e-3
    if backward:
        theirs.square().sum().backward()
        wanted = {key: p.grad for key, p in net.named_parameters() if p.grad is not None}
        assert gradients.keys() == wanted.keys()
        largest = max(float(gradient.abs().max()) for gradient in wanted.values())
        assert all((gradients[key] - wanted[key]).abs().max() < 1e-3 * largest for key in wanted)


@pytest.mark.parametrize("name", MODELS)
def test_check_finds_nothing_missing(name):
    _, inputs, public = MODELS[name]
    assert tacit.check(made(name), {**inputs, **public}, public=list(public), backward=True)
