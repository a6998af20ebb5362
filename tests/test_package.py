"""What ``import tacit`` gives, and what it does not load."""

import pickle
import subprocess
import sys

import cloudpickle
import pytest

import tacit


def in_a_new_process(code):
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", tacit.__all__)
def test_every_public_name_is_there_and_is_listed(name):
    assert getattr(tacit, name) is not None
    assert name in dir(tacit)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="module 'tacit' has no attribute 'hush'"):
        _ = tacit.hush


@pytest.mark.slow  # two processes, one of which imports PyTorch
def test_the_import_does_not_load_pytorch_and_errors_are_there():
    in_a_new_process("import sys, tacit; tacit.errors.MisuseError; assert 'torch' not in sys.modules")
    in_a_new_process("import sys, tacit; tacit.secret; assert 'tacit.tensor.rules' in sys.modules")


@pytest.mark.slow  # processes that import PyTorch: in this one the functions are loaded already
@pytest.mark.parametrize("name", ["party", "profile"])
def test_a_submodule_does_not_take_the_place_of_the_function_of_its_name(name):
    called = f"try: tacit.{name}()\nexcept MisuseError: pass"
    in_a_new_process(f"import tacit.{name}\nfrom tacit.errors import MisuseError\n{called}")
    in_a_new_process(f"from tacit.errors import MisuseError\nimport tacit\ntacit.{name}\nimport tacit.{name}\n{called}")


def test_a_job_that_names_the_package_can_be_sent_to_another_process():
    assert pickle.loads(cloudpickle.dumps(tacit)) is tacit  # noqa: S301 - our own
