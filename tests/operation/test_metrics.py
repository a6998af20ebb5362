"""Metrics: what Prometheus reads is what the node counted, and the documentation names each of them."""

import re
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import torch
from prometheus_client.parser import text_string_to_metric_families

from tacit.correlations.dealer import Dealer
from tacit.errors import MisuseError
from tacit.operation.events import Event
from tacit.operation.http import served
from tacit.operation.metrics import METRICS
from tacit.operation.observer import Observer, State
from tacit.operation.snapshot import snapshot
from tacit.profile import Ledger, Meter
from tacit.transport.statistics import Statistics
from tacit.transport.transcript import Transcript

PAGE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()


class Links:
    """What a node's transport has to tell."""

    def __init__(self):
        self.statistics = Statistics()
        self.age = 0.5

    def heard(self):
        return {"clinic": monotonic() - self.age, "dealer": monotonic()}

    def waited(self):
        return {"clinic": 2.5}

    def waiting(self):
        return None

    def has_departed(self, peer):
        return peer == "dealer"


@pytest.fixture
def node():
    observer = Observer("lab", ["clinic", "dealer"], "s", 4.0)
    observer.connected("clinic", ("127.0.0.1", 1), False)
    observer.connected("dealer", ("127.0.0.1", 2), False)
    links = Links()
    links.statistics.link("clinic").sent(1000, 20)
    observer.joined(links)
    meter, transcript, ledger = Meter(), Transcript(bytes(16)), Ledger()
    observer.begun(meter, transcript, ledger)
    meter.round(3)
    transcript.begin("relu", "8x8")
    ledger.record((1,), torch.float32, ("clinic", "lab"), "job.py:1")
    return observer


@pytest.fixture
def address():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()


def get(address, path):
    try:
        with urlopen(f"http://{address[0]}:{address[1]}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def scraped(address):
    families = text_string_to_metric_families(get(address, "/metrics")[1])
    return {(one.name, *sorted(one.labels.values())): one.value for family in families for one in family.samples}


def test_a_scrape_says_what_was_counted(node, address):
    with served(node, address):
        found = scraped(address)
    assert found["tacit_bytes_total", "clinic", "sent"] == 1000
    assert found["tacit_framing_bytes_total", "clinic", "sent"] == 20
    assert found["tacit_waiting_seconds_total", "clinic"] == 2.5
    assert found["tacit_rounds_total",] == 3
    assert found["tacit_ops_total",] == 1
    assert found["tacit_reveals_total", "clinic"] == found["tacit_reveals_total", "lab"] == 1
    assert 0.5 <= found["tacit_heartbeat_age_seconds", "clinic"] < 60
    assert found["tacit_connected_peers",] == 1  # the dealer has said goodbye
    assert found["tacit_session_state", "running"] == 1
    assert found["tacit_session_state", "connecting"] == 0


def test_a_dealer_tells_of_its_stock(address):
    dealer = Observer("dealer", ["lab"], "s", 4.0)
    dealer.dealing(Dealer([]))
    dealer.dealer.answered, dealer.dealer.predicted = 7, 5
    with served(dealer, address):
        found = scraped(address)
    assert found["tacit_dealer_requests_total",] == 7
    assert found["tacit_dealer_predicted_total",] == 5
    assert found["tacit_dealer_stock_bytes",] == found["tacit_dealer_stock",] == 0


def test_ready_is_who_runs_and_hears_everybody(node, address):
    with served(node, address):
        assert get(address, "/healthz") == (200, "alive\n")
        assert get(address, "/readyz") == (200, "ready\n")
        node.transport.age = 5.0
        assert get(address, "/readyz") == (503, "not ready\n")
        node.transport.age = 0.5
        node.state = State.CONNECTING
        assert get(address, "/readyz")[0] == 503
        assert get(address, "/nothing")[0] == 404


def test_a_port_that_is_taken_is_named(node):
    taken = socket.create_server(("127.0.0.1", 0))
    with taken, pytest.raises(MisuseError, match="cannot offer metrics"), served(node, taken.getsockname()):
        pass


def test_the_page_names_every_metric_and_event_as_the_code_does():
    rows = re.findall(r"^\| `(tacit_\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    written = {
        metric.name: (metric.kind, ", ".join(f"`{label}`" for label in metric.labels), metric.meaning)
        for metric in METRICS.values()
    }
    assert {name: tuple(rest) for name, *rest in rows} == written
    events = re.findall(r"^\| `([a-z ]+)` \| (?:debug|info|warning|any)", PAGE, re.MULTILINE)
    assert events == [str(event) for event in Event]


def test_who_wants_no_metrics_needs_no_package_for_them():
    code = "import sys, tacit.cli.run, tacit.cli.dealer, tacit.runtime.cluster, tacit.operation.watching\n"
    code += "assert not {'prometheus_client', 'http.server'} & set(sys.modules)\n"
    code += "sys.modules['prometheus_client'] = None\nfrom tacit.errors import MisuseError\n"
    code += "try: import tacit.operation.http\nexcept MisuseError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'tacit[metrics]'" in done.stdout, done.stderr


def test_the_last_operation_is_told_by_name_and_line_without_what_it_got(node):
    taken = snapshot(node)
    assert taken["last_op"]["name"] == "relu"
    assert "8x8" not in str(taken)
