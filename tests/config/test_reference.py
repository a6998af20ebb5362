"""docs/configuration.md says what the models say, and its example is a cluster file."""

import re
from pathlib import Path

from tacit.config.read import parse_cluster
from tacit.config.reference import updated
from tacit.config.schema import ANY_NAME, entries

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()


def test_the_page_is_what_the_models_say():
    assert updated(PAGE) == PAGE, "run: python -m tacit.config.reference docs/configuration.md"


def test_every_key_is_described():
    silent = [".".join(entry.path) for entry in entries() if not entry.description and entry.path[-1] != ANY_NAME]
    assert not silent, "settings: add a line to MEANINGS in tacit/config/settings_table.py; others: description=..."


def test_the_example_is_a_cluster_file():
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    assert parse_cluster(example, "cluster.toml", {}).names == ("lab", "clinic")
