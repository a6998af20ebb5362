from tacit.testing.transports import TransportSuite
from tacit.transport.memory import MemoryNetwork


class TestMemoryTransport(TransportSuite):
    def connect(self, names):
        network = MemoryNetwork(names)
        return {name: network.transport(name) for name in names}
