import ast
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tacit.cli.app import app

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_run_as_their_first_lines_say(path):
    command = next(line for line in ast.get_docstring(ast.parse(path.read_text())).splitlines() if "tacit run" in line)
    arguments = command.split()[1:]
    assert arguments[1] == f"examples/{path.name}"
    result = CliRunner().invoke(app, ["run", str(path), *arguments[2:], "--backend", "threads"])
    assert result.exit_code == 0, result.stderr
    assert "What was revealed" in result.stdout


def test_there_are_examples():
    assert EXAMPLES
