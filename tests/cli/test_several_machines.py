"""The walkthrough of docs/several-machines.md, its commands as written, between hosts that are network namespaces."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "several-machines.md").read_text()
IP, TC = shutil.which("ip"), shutil.which("tc") or "false"
HOSTS = {"lab": "192.0.2.1", "clinic": "192.0.2.2", "dealer": "192.0.2.3"}

pytestmark = [
    pytest.mark.slow,  # processes that import PyTorch, on three hosts: the only test off loopback
    pytest.mark.skipif(IP is None or os.geteuid() != 0, reason="makes network namespaces, as root"),
]


def ip(*words):
    subprocess.run([IP, *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def network():
    """A bridge, and for each host a namespace on it; from a host's name to that of its namespace."""
    tag = f"t{os.getpid() % 100000}"
    try:
        ip("link", "add", tag, "type", "bridge")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: {error.stderr.decode().strip()}")
    names = {host: f"{tag}{host}" for host in HOSTS}
    try:
        ip("link", "set", tag, "up")
        for number, (host, space) in enumerate(names.items()):
            cable = f"{tag}v{number}"
            ip("netns", "add", space)
            ip("link", "add", cable, "type", "veth", "peer", "name", "e0", "netns", space)
            ip("link", "set", cable, "master", tag, "up")
            ip("-n", space, "addr", "add", f"{HOSTS[host]}/24", "dev", "e0")
            ip("-n", space, "link", "set", "e0", "up")
            ip("-n", space, "link", "set", "lo", "up")
        yield names
    finally:
        for space in names.values():
            subprocess.run([IP, "netns", "del", space], capture_output=True, check=False)
        ip("link", "del", tag)


class Hosts:
    """A folder and a namespace for each host; commands as the page gives them."""

    def __init__(self, folder, network):
        self.folder, self.network = folder, network
        self.running = []
        for host in HOSTS:
            (folder / host).mkdir()
            shutil.copy(ROOT / "examples" / "average.py", folder / host)

    def start(self, host, command):
        words = shlex.split(command)
        assert words[0] == "tacit"
        process = subprocess.Popen(
            [IP, "netns", "exec", self.network[host], sys.executable, "-m", "tacit.cli", *words[1:]],
            cwd=self.folder / host,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        return process

    def run(self, host, command):
        process = self.start(host, command)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        return out

    def cut(self, host, how="down"):
        """Pull a host's cable out of the bridge, or put it back."""
        number = list(HOSTS).index(host)
        ip("link", "set", f"{self.network[host].removesuffix(host)}v{number}", how)

    def write(self, host, cluster):
        (self.folder / host / "cluster.toml").write_text(cluster)


@pytest.fixture
def hosts(tmp_path, network):
    made = Hosts(tmp_path, network)
    yield made
    for process in made.running:
        process.kill()
        process.communicate()


def section(title):
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def commands(title):
    return re.findall(r"^    (\w+)\$ (.+)$", section(title), re.MULTILINE)


def ready(hosts):
    """Sections 1 and 2: certificates, and the file with their fingerprints."""
    printed = {host: hosts.run(host, command) for host, command in commands("1. A certificate for each node")}
    cluster = "\n".join(
        line[4:] for line in section("2. One file, the same on all hosts").splitlines() if line[:4] == "    "
    )
    for host, text in printed.items():
        line = re.search(rf'^{host} = "sha256:\w+"$', text, re.MULTILINE)[0]
        cluster = cluster.replace(f'{host} = "sha256:…"', line)
    assert "…" not in cluster
    for host in HOSTS:
        hosts.write(host, cluster)
    return cluster


def test_the_walkthrough(hosts):
    ready(hosts)
    started = {host: hosts.start(host, command) for host, command in commands("4. Start")}
    assert list(started) == ["dealer", "lab", "clinic"]
    for host, process in started.items():
        out, err = process.communicate(timeout=90)
        assert process.returncode == 0, f"{host}: {err}"
        if host != "dealer":
            assert re.search(r"'average': \d+\.\d+, 'longest': \d+\.0", out), out
            assert "What was revealed" in out
    assert "valid until" in hosts.run("lab", "tacit certs show")
    assert "sha256:" in hosts.run("lab", "tacit certs renew lab")


@pytest.fixture
def slow_links(network):
    """50 Mbit/s, in bytes a second, if the kernel can shape what a host sends."""
    shape = ("dev", "e0", "root", "tbf", "rate", "50mbit", "burst", "64kb", "latency", "200ms")
    made = [
        subprocess.run([TC, "-n", space, "qdisc", "add", *shape], check=False, capture_output=True).returncode
        for space in network.values()
    ]
    yield 0.0 if any(made) else 50e6 / 8
    for space in network.values():
        subprocess.run([TC, "-n", space, "qdisc", "del", "dev", "e0", "root"], check=False, capture_output=True)


def test_the_doctor_at_every_host(hosts, slow_links):
    """What it measures is what the links are; and it tells a host that is away from one where nobody listens."""
    ready(hosts)
    started = {host: hosts.start(host, f"{command} --json") for host, command in commands("3. Can the hosts meet?")}
    assert set(started) == set(HOSTS)
    for host, process in started.items():
        out, err = process.communicate(timeout=90)
        said = json.loads(out)
        assert process.returncode == 0, f"{host}: {err} {out}"
        assert {link["peer"] for link in said["links"]} == set(HOSTS) - {host}
        for rate in (link[way] for link in said["links"] for way in ("sending", "receiving")):
            assert not slow_links or 0.3 * slow_links < rate < 1.2 * slow_links
    alone = hosts.start("clinic", "tacit doctor --config cluster.toml --as clinic --wait 2 --json")
    out, _ = alone.communicate(timeout=30)
    assert alone.returncode == 1
    assert json.loads(out)["missing"] == ["lab", "dealer"]
    assert "refuses connections" in out
    ip("-n", hosts.network["lab"], "link", "set", "e0", "down")
    try:
        alone = hosts.start("clinic", "tacit doctor --config cluster.toml --as clinic --wait 8 --json")
        out, _ = alone.communicate(timeout=40)
    finally:
        ip("-n", hosts.network["lab"], "link", "set", "e0", "up")
    texts = [one["text"] for one in json.loads(out)["findings"] if one["node"] == "lab"]
    assert re.search("there is no way from here|nothing answers", texts[0]), texts


def started(hosts, body, **wanted):
    """All three run a job with this body, which prints a line when it has begun; with these settings."""
    cluster = ready(hosts) + "".join(f"\n{line}" for line in ["[settings]", *(f"{k} = {v}" for k, v in wanted.items())])
    for host in HOSTS:
        hosts.write(host, cluster)
        (hosts.folder / host / "average.py").write_text(
            "import tacit, time, torch\ndef job():\n    x = tacit.secret(torch.ones(1000), owner='lab')\n"
            f"    print('begun', flush=True)\n{body}"
        )
    running = {host: hosts.start(host, command) for host, command in commands("4. Start")}
    assert running["clinic"].stdout.readline() == "begun\n"
    return cluster, running


FOR_EVER = "    while True:\n        x = (x * x).relu()\n        tacit.reveal(x)\n"


def test_a_killed_party_is_named_at_the_others_and_a_stranger_changes_nothing(hosts):
    cluster, running = started(hosts, FOR_EVER, reconnect_timeout=4)
    # somebody on the clinic's host, whose certificate nobody lists, says it is the clinic
    hosts.run("clinic", "tacit certs init clinic --certs others")
    stranger = re.sub(
        r'clinic = "sha256:\w+"', hosts.run("clinic", "tacit certs show --certs others").split("  ")[0], cluster
    )
    (hosts.folder / "clinic" / "stranger.toml").write_text(stranger + "\nconnect_timeout = 2\n")
    again = hosts.start("clinic", "tacit run average.py --config stranger.toml --party clinic --certs others")
    assert again.wait(30) == 1
    assert all(process.poll() is None for process in running.values())
    running["clinic"].kill()  # which nobody can dial, so it may come back
    named(hosts, running, "clinic", r"the link to 'clinic' was gone for 4 s: it did not dial again")


def named(hosts, running, culprit, says):
    killed = time.monotonic()
    for host in HOSTS:
        if host != culprit:
            _, err = running[host].communicate(timeout=20)
            assert running[host].returncode == 1
            assert f"'{culprit}'" in err
            assert re.search(says, err) or "noticed by" in err, err
    assert time.monotonic() - killed < 20  # the exit of two interpreters on a busy machine included


@pytest.mark.parametrize("killed", ["lab", "dealer"])
def test_a_killed_party_that_can_be_dialled_is_not_waited_for(hosts, killed):
    _, running = started(hosts, FOR_EVER, reconnect_timeout=600)
    running[killed].kill()
    named(hosts, running, killed, rf"the link to '{killed}' was lost and its process has ended: nobody listens at")


def test_cables_that_are_out_for_a_while(hosts):
    body = (
        "    for _ in range(300):\n        x = (x * x).relu()\n        time.sleep(0.01)\n    return tacit.reveal(x)\n"
    )
    _, running = started(hosts, body, heartbeat_timeout=1)
    for host in HOSTS:
        hosts.cut(host)
        time.sleep(2.5)
        hosts.cut(host, "up")
        time.sleep(0.5)
    for host, process in running.items():
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, f"{host}: {err}"
        assert host == "dealer" or re.search(r"1\.0|1\.", out)
        assert "dial" in err
        assert "is back after" in err


def test_a_cable_that_stays_out(hosts):
    _, running = started(hosts, FOR_EVER, heartbeat_timeout=2, reconnect_timeout=3)
    hosts.cut("lab")
    start = time.monotonic()
    try:
        for process in running.values():
            _, err = process.communicate(timeout=20)
            assert process.returncode == 1
            assert "was gone for 3 s" in err or "noticed by" in err, err
    finally:
        hosts.cut("lab", "up")
    assert time.monotonic() - start < 2 + 3 + 10  # the exit of three interpreters on a busy machine included
