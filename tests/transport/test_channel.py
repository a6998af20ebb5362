import re

import pytest
import torch

from tacit.errors import DivergenceError, FrameError, MisuseError
from tacit.party import Party
from tacit.profile import Meter
from tacit.testing.transports import close_all, together
from tacit.transport.channel import Channel
from tacit.transport.failure import PeerFinishedError
from tacit.transport.memory import MemoryNetwork
from tacit.transport.transcript import Transcript

NAMES = ("lab", "clinic", "bank")
KEY = bytes(range(16))


def channels(names=NAMES):
    network = MemoryNetwork(names)
    made = []
    for rank, name in enumerate(names):
        party = Party(name, rank, tuple(names))
        made.append(Channel(party, network.transport(name), Transcript(KEY), Meter()))
    return made


def run(job, names=NAMES):
    """``job(channel)`` at every party, in threads; returns the channels, what it returned and what it raised."""
    made = channels(names)
    results, errors = {}, {}

    def guarded(channel):
        try:
            results[channel.party.rank] = job(channel)
        except Exception as error:
            errors[channel.party.rank] = error
            channel.transport.abort(channel.party.name, "failed")

    together([lambda channel=channel: guarded(channel) for channel in made])
    close_all({channel.party.name: channel.transport for channel in made})
    return made, results, errors


def test_broadcasts_in_flight_together_and_awaited_in_any_order():
    def job(channel):
        rank = channel.party.rank
        channel.transcript.begin("first", "3")
        first = channel.broadcast(torch.full((3,), rank))
        second = channel.broadcast(torch.full((2, 2), 10.0 + rank))
        channel.transcript.begin("later", "")
        return second.wait(), first.wait(), first.wait()

    made, results, errors = run(job)
    assert not errors
    second, first, again = results[1]
    assert [t.tolist() for t in first] == [[0, 0, 0], [2, 2, 2]]
    assert [t.tolist() for t in second] == [[[10.0, 10.0]] * 2, [[12.0, 12.0]] * 2]
    assert first[0] is again[0]
    assert [channel.rounds for channel in made] == [1, 1, 1]
    assert made[0].meter.bytes_sent == 2 * (3 * 8 + 4 * 4)
    assert made[0].meter.bytes_received == made[0].meter.bytes_sent
    assert made[0].meter.rounds == 1


def test_rounds_count_the_longest_chain_and_not_messages():
    def job(channel):
        channel.transcript.begin("relay", "")
        rank = channel.party.rank
        if rank == 0:
            channel.send(1, torch.ones(1))
            channel.send(1, torch.ones(1))
        elif rank == 1:
            channel.receive(0, (1,), torch.float32).wait()
            channel.receive(0, (1,), torch.float32).wait()
            channel.send(2, torch.ones(1))
        else:
            channel.receive(1, (1,), torch.float32).wait()

    made, _, errors = run(job)
    assert not errors
    assert [channel.rounds for channel in made] == [0, 1, 2]


@pytest.mark.parametrize(
    "tensor", [torch.tensor(7), torch.empty(0, 3), torch.tensor([True, False]), torch.eye(4)[:, 1]]
)
def test_any_shape_and_type(tensor):
    def job(channel):
        channel.transcript.begin("op", "")
        return channel.broadcast(tensor).wait()[0]

    _, results, errors = run(job, ("lab", "clinic"))
    assert not errors
    assert torch.equal(results[0], tensor)
    assert results[0].dtype == tensor.dtype


def test_objects():
    def job(channel):
        channel.transcript.begin("shape", "")
        if channel.party.rank == 0:
            channel.send_object(1, {"shape": [3, 4], "dtype": "flöat"})
            return None
        return channel.receive_object(0)

    _, results, errors = run(job, ("lab", "clinic"))
    assert not errors
    assert results[1] == {"shape": [3, 4], "dtype": "flöat"}


def test_an_object_beyond_the_limit_is_refused():
    def job(channel):
        channel.transcript.begin("shape", "")
        if channel.party.rank == 0:
            channel.send_object(1, "x" * 100)
        else:
            channel.receive_object(0, limit=50)

    _, _, errors = run(job, ("lab", "clinic"))
    assert isinstance(errors[1], FrameError)
    assert "102 bytes; 50 is the limit" in str(errors[1])


def test_different_ops_are_named_at_both_ends():
    def job(channel):
        if channel.party.name == "lab":
            channel.transcript.begin("matmul", "8x64, 64x10")
        else:
            channel.transcript.begin("relu", "8x64")
        channel.broadcast(torch.ones(2)).wait()

    _, _, errors = run(job, ("lab", "clinic"))
    for rank, peer in ((0, "clinic"), (1, "lab")):
        assert isinstance(errors[rank], DivergenceError)
        assert errors[rank].party == peer
        assert "diverged at op 1: lab ran matmul(8x64, 64x10) at test_channel.py:" in str(errors[rank])
        assert "clinic ran relu(8x64) at test_channel.py:" in str(errors[rank])


def test_the_one_of_three_that_runs_something_else_is_found_out():
    def job(channel):
        channel.transcript.begin("relu" if channel.party.name == "bank" else "add", "2")
        channel.broadcast(torch.ones(2)).wait()

    _, _, errors = run(job)
    assert len(errors) == 3
    assert all(isinstance(error, DivergenceError) for error in errors.values())
    assert any("bank ran relu(2)" in str(error) for error in errors.values())


def test_the_first_difference_is_named_not_the_last():
    def job(channel):
        for number in range(20):
            wrong = number == 12 and channel.party.rank == 1
            channel.transcript.begin("add", f"{3 if wrong else 2}x{number}")
        channel.broadcast(torch.ones(2)).wait()

    _, _, errors = run(job, ("lab", "clinic"))
    assert "diverged at op 13: lab ran add(2x12)" in str(errors[0])
    assert "clinic ran add(3x12)" in str(errors[0])


def test_different_public_tensors_are_named_with_their_line():
    torch.manual_seed(0)

    def job(channel):
        channel.transcript.begin("add", "8x8")
        noise = torch.randn(8, 8)
        channel.transcript.public(noise)
        channel.broadcast(torch.ones(2)).wait()

    _, _, errors = run(job, ("lab", "clinic"))
    for error in errors.values():
        assert "in add(8x8), the public tensor (8x8) at test_channel.py:" in str(error)
        assert "differs between lab and clinic; seed it, or make it secret" in str(error)


def test_the_same_public_tensor_in_another_layout_is_the_same():
    def job(channel):
        table = torch.arange(12).reshape(3, 4)
        channel.transcript.begin("add", "")
        channel.transcript.public(table if channel.party.rank else table.t().contiguous().t())
        channel.transcript.public(torch.ones(()).expand(2, 2) if channel.party.rank else torch.ones(2, 2))
        return len(channel.broadcast(torch.ones(2)).wait())

    _, results, errors = run(job)
    assert not errors
    assert results == {0: 2, 1: 2, 2: 2}


def test_a_public_tensor_changed_in_place_is_hashed_again():
    transcripts = [Transcript(KEY), Transcript(KEY)]
    table = torch.zeros(4)
    for transcript in transcripts:
        transcript.public(table)
    table[0] = 1
    transcripts[0].public(table)
    transcripts[1].public(torch.zeros(4))
    assert transcripts[0].differs(transcripts[1].position())
    with torch.inference_mode():
        transcripts[0].public(torch.zeros(3))


def test_two_owners_that_wait_for_each_other_find_out():
    def job(channel):
        rank = channel.party.rank
        channel.transcript.begin("secret", f"owner {rank}")
        channel.receive(1 - rank, (2,)).wait()

    _, _, errors = run(job, ("lab", "clinic"))
    for error in errors.values():
        assert "lab ran secret(owner 0)" in str(error)


def test_a_party_that_finished_early_is_named():
    def job(channel):
        channel.transcript.begin("reveal", "3")
        if channel.party.rank == 0:
            channel.transport.close()
        else:
            channel.receive(0, (3,)).wait()

    _, _, errors = run(job, ("lab", "clinic"))
    assert isinstance(errors[1], PeerFinishedError)
    assert "'lab' has finished while 'clinic' still waits for it. It waits in op 1, reveal(3)." in str(errors[1])


def test_a_payload_of_another_length_names_the_sender_and_the_op():
    def job(channel):
        channel.transcript.begin("open", "4")
        channel.broadcast(torch.ones(4 + channel.party.rank)).wait()

    _, _, errors = run(job, ("lab", "clinic"))
    text = " ".join(map(str, errors.values()))
    assert re.search(r"sent (20 bytes where 16|16 bytes where 20) were expected, in open\(4\)", text)


def test_watchers_see_every_tensor():
    seen = {0: [], 1: []}

    def job(channel):
        channel.watch.append(lambda *event: seen[channel.party.rank].append(event))
        channel.transcript.begin("open", "2")
        channel.broadcast(torch.full((2,), channel.party.rank)).wait()

    run(job, ("lab", "clinic"))
    directions = [(direction, peer, what, tensor.tolist()) for direction, peer, what, tensor in seen[0]]
    assert directions == [("sent", "clinic", "open(2)", [0, 0]), ("received", "clinic", "open(2)", [1, 1])]


def test_a_wrong_rank_is_misuse():
    channel = channels()[0]
    with pytest.raises(MisuseError, match="the others are 1, 2"):
        channel.send(0, torch.ones(1))


def test_nothing_printed_holds_a_value():
    transcript = Transcript(KEY)
    transcript.begin("add", "2")
    transcript.public(torch.tensor([123456.0]))
    assert "123456" not in repr(transcript) + transcript.history().decode()
    assert KEY.hex() not in repr(transcript)
