import pytest

from tacit.errors import FrameError, HandshakeError
from tacit.runtime import handshake
from tacit.settings import Settings
from tacit.testing.transports import close_all, together
from tacit.transport.memory import MemoryNetwork

PARTIES = ("lab", "clinic", "bank")
NODES = (*PARTIES, "dealer")


def facts(settings=None, names=PARTIES, session="s"):
    return handshake.facts(names, "dealer", session, settings or Settings())


def agree(by_node):
    """The errors of all nodes, each of which says what ``by_node`` says."""
    network = MemoryNetwork(tuple(by_node))
    errors = {}

    def job(name):
        try:
            handshake.agree(network.transport(name), by_node[name])
        except HandshakeError as error:
            errors[name] = error

    together([lambda name=name: job(name) for name in by_node])
    close_all({name: network.transport(name) for name in by_node})
    return errors


def test_equal_facts_agree():
    assert agree(dict.fromkeys(NODES, facts())) == {}


def test_time_outs_are_each_nodes_own_affair():
    others = Settings(connect_timeout=5, heartbeat_timeout=2, reconnect_timeout=7)
    assert agree({"lab": facts(), "clinic": facts(others)}) == {}


def test_all_mend_their_links_or_none():
    errors = agree({"lab": facts(), "clinic": facts(Settings(reconnect_timeout=0))})
    assert 'reconnect_timeout is "some" at lab, "0" at clinic' in str(errors["lab"])


def test_a_different_setting_is_named_at_every_node():
    errors = agree({**dict.fromkeys(NODES, facts()), "clinic": facts(Settings(frac_bits=20))})
    assert set(errors) == set(NODES)
    for error in errors.values():
        assert "settings.frac_bits is 16 at lab and bank and dealer, 20 at clinic" in str(error)
    assert errors["lab"].party == errors["dealer"].party == "clinic"
    assert errors["clinic"].party == "lab"


def test_all_differences_are_named():
    other = {**facts(names=("clinic", "lab"), session="another"), "package version": "9.9", "news": 1}
    error, *_ = agree({"lab": facts(names=("lab", "clinic")), "clinic": other}).values()
    for fact in ("session", "package version", "parties", "news"):
        assert f"{fact} is " in str(error)
    for value in (
        "session is not the same text at",
        '"9.9" at clinic',
        "missing at lab",
        '["clinic", "lab"] at clinic',
    ):
        assert value in str(error)
    assert "another" not in str(error)  # who knows a session's text may call in


def make_secrets(names=PARTIES):
    network = MemoryNetwork(NODES)
    secrets = {}

    def job(name):
        secrets[name] = handshake.make_secrets(network.transport(name), names, "s")

    together([lambda name=name: job(name) for name in names])
    return network, secrets


def test_pairs_have_equal_seeds_and_all_have_one_key():
    _, secrets = make_secrets()
    seeds = {name: secrets[name].pair_seeds for name in PARTIES}
    assert seeds["lab"][1] == seeds["clinic"][0]
    assert seeds["lab"][2] == seeds["bank"][0]
    assert seeds["clinic"][2] == seeds["bank"][1]
    assert len({seeds["lab"][1], seeds["lab"][2], seeds["clinic"][2]}) == 3
    assert all(len(seed) == 16 for seed in seeds["lab"].values())
    assert len({secrets[name].key for name in PARTIES}) == 1


def test_seeds_are_fresh_and_nothing_goes_to_the_dealer():
    network, first = make_secrets()
    _, second = make_secrets()
    assert first["lab"].pair_seeds != second["lab"].pair_seeds
    assert first["lab"].key != second["lab"].key
    assert network.transport("lab").statistics.link("dealer").frames_sent == 0


def test_secrets_do_not_print():
    _, secrets = make_secrets()
    assert secrets["lab"].key.hex() not in repr(secrets["lab"])
    assert "pair_seeds" not in repr(secrets["lab"])


@pytest.mark.parametrize(
    "message", [b"{}", b"[1]", b"not json", b'{"name": "clinic", "facts": 3}', b'{"name": "bank", "facts": {}}']
)
def test_an_unreadable_handshake_names_its_sender(message):
    network = MemoryNetwork(("lab", "clinic"))
    network.transport("clinic").send("lab", b"handshake facts", [memoryview(message)])
    with pytest.raises(FrameError, match="'clinic' sent no readable handshake"):
        handshake.agree(network.transport("lab"), facts())
