"""Networks that torch.compile made, in a session: they run as they were written."""

import copy
import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn

import tacit
from tacit import Settings
from tacit.runtime.compilation import uncompiled

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # of the compiler, when it is imported
LOCAL = Settings(randomness="insecure_local")


def run(job):
    return tacit.run(job, ["lab", "clinic"], settings=LOCAL)


@pytest.fixture
def plain():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU())
    net(torch.rand(9, 3))
    return net.eval()


@pytest.mark.parametrize("when", ["before", "inside", "after"])
@pytest.mark.parametrize("way", ["function", "method"])
def test_a_compiled_network_runs_on_secrets(plain, when, way):
    x = torch.rand(2, 3)
    wanted = plain(x).detach()

    def compiled(net):
        if way == "function":
            return torch.compile(net, fullgraph=True)
        net.compile()
        return net

    before = {name: compiled(copy.deepcopy(plain)) for name in ("lab", "clinic")}

    def job():
        net = before[tacit.party().name] if when == "before" else copy.deepcopy(plain)
        net = compiled(net) if when == "inside" else net
        secret = tacit.secret(x, owner="clinic")
        public = tacit.reveal(net(secret).detach())
        net = tacit.secret(net, owner="lab")
        net = compiled(net) if when == "after" else net
        out = net(secret)
        out.sum().backward()
        assert all(p.grad is not None for p in net.parameters())
        return public, tacit.reveal(net(x).detach()), tacit.reveal(out.detach())

    for found in run(job)["lab"]:
        assert (found - wanted).abs().max() < 1e-3


def test_compiled_functions_compile_again_afterwards():
    seen = []

    def backend(graph, inputs):
        seen.append(graph)
        return graph

    function = torch.compile(lambda x: x * 2 + 1, backend=backend)
    run(lambda: function(torch.ones(2)))
    assert not seen
    with uncompiled(), uncompiled():
        function(torch.ones(2))
    assert not seen
    assert function(torch.ones(2)).tolist() == [3, 3]
    assert seen


@pytest.mark.slow  # imports PyTorch and its compiler anew: only a process that has neither can tell
def test_a_compiler_that_comes_late_is_told_as_well():
    program = """
        import sys, torch, tacit
        original = torch.compile
        assert "torch._dynamo" not in sys.modules
        def job(compiled):
            x = tacit.secret(torch.ones(2), owner="lab")
            net = torch.nn.Linear(2, 1)
            tacit.reveal((torch.compile(net) if compiled else net)(x).detach())
        for compiled in (False, True):
            tacit.run(job, ["lab", "clinic"], args=(compiled,), settings=tacit.Settings(protocol="plaintext"))
            assert torch.compile is original
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
