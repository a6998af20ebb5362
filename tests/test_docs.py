"""The documentation names files that exist, and its code runs."""

import ast
import re
from pathlib import Path

import pytest
import torch

import tacit
from tacit.cli.clusterfile import read_cluster

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
PLACES = (ROOT, ROOT / "src", ROOT / "src" / "tacit")
SUFFIXES = (".py", ".md", ".toml", ".txt", "/")
NOT_OURS = {"job.py", "cluster.toml", "policy.toml", "stays.py", "net.pt", "patients.pt", "src/tacit/protocols/NAME/"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page):
    tree = {path.name for path in (ROOT / "src" / "tacit").rglob("*") if "__pycache__" not in path.parts}
    for name in re.findall(r"`([\w./-]+)`", page.read_text()):
        if not name.endswith(SUFFIXES) or name in NOT_OURS:
            continue
        found = any((place / name).exists() for place in PLACES) or name.rstrip("/") in tree
        assert found, f"{page.name} names {name}"


def test_the_ten_lines_of_the_readme_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = torch.nn.Sequential(torch.nn.Linear(12, 32), torch.nn.ReLU(), torch.nn.Linear(32, 3))
    patients = torch.rand(5, 12)
    torch.save(net.state_dict(), "net.pt")
    torch.save(patients, "patients.pt")
    code = re.search(r"```python\n(import torch.*?)```", (ROOT / "README.md").read_text(), re.S).group(1)
    *job, call = ast.parse(code).body
    assert ast.unparse(call).startswith("results = tacit.run(job, parties=['lab', 'clinic']")
    names = {}
    exec(compile(ast.Module(job, []), "README.md", "exec"), names)  # noqa: S102
    results = tacit.run(names["job"], parties=["lab", "clinic"])
    assert results["lab"] is None
    assert (results["clinic"] - net(patients)).abs().max() < 1e-3


def test_the_cluster_file_of_the_readme_is_one(tmp_path):
    path = tmp_path / "cluster.toml"
    path.write_text(re.search(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.S).group(1))
    assert read_cluster(path).names == ("lab", "clinic")


def test_the_readme_names_every_setting():
    text = (ROOT / "README.md").read_text()
    for name in tacit.Settings().as_dict():
        assert f"`{name}`" in text
