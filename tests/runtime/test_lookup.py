import socket
import time

import pytest

from tacit.errors import MisuseError
from tacit.runtime.lookup import Lookup
from tacit.runtime.rendezvous import calls, listen


def test_numbers_need_no_resolver(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", None)
    assert Lookup(("192.0.2.1", 443)).found() == [(socket.AF_INET, ("192.0.2.1", 443))]
    assert Lookup(("2001:db8::1", 443)).found() == [(socket.AF_INET6, ("2001:db8::1", 443))]


def test_names_are_looked_up_without_waiting(monkeypatch):
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 443))]

    def slow(*_, **__):
        time.sleep(0.3)
        return answer

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    lookup = Lookup(("lab.example", 443))
    start = time.monotonic()
    assert lookup.found() == []
    assert time.monotonic() - start < 0.2
    time.sleep(0.4)
    assert lookup.found() == [(socket.AF_INET, ("192.0.2.7", 443))]


def test_a_name_without_an_address_says_so(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    lookup = Lookup(("nowhere.example", 443))
    assert lookup.found() == []
    assert "'nowhere.example' has no address" in lookup.note


def test_who_connects_to_whom():
    at = {"lab": ("10.0.0.1", 1), "clinic": None, "bank": ("10.0.0.3", 1), "court": None}
    assert calls("bank", "lab", at)
    assert not calls("lab", "bank", at)
    assert calls("clinic", "bank", at)
    assert not calls("bank", "clinic", at)
    with pytest.raises(MisuseError, match="neither 'clinic' nor 'court' can listen"):
        calls("clinic", "court", at)


def test_every_interface_is_listened_at():
    with pytest.raises(MisuseError, match="without certificates"):
        listen(("", 0))
