"""A bad road between two nodes: passes on what they say, and loses it as a test wants."""

import contextlib
import select
import socket
import struct
import threading
import time


class Connection:
    """One that goes through: the caller's end and the end at its target."""

    def __init__(self, near, far):
        self.near, self.far = near, far
        self.deaf = set()  # the ends from which nothing is passed on any more
        self.passed = {near: 0, far: 0}
        self.limit = None  # reset after so many bytes

    def reset(self, ends=None):
        for sock in ends or (self.near, self.far):
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()


class Road:
    """Listens in the place of ``target``.

    change: what is done to what passes.
    """

    def __init__(self, target, change=None):
        self.target, self.change = target, change
        self.connections, self.lock = [], threading.Lock()
        self.limits = []  # of the connections to come, in order
        self.closed = False
        self.ended = False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = self.listener.getsockname()
        self.plugs = []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ended:
            with self.lock:
                ends = {end: c for c in self.connections for end in (c.near, c.far) if end.fileno() >= 0}
                watched = [end for end, c in ends.items() if end not in c.deaf]
            listeners = [] if self.closed or self.listener.fileno() < 0 else [self.listener]
            try:
                ready, _, _ = select.select([*watched, *listeners], [], [], 0.02)
            except (OSError, ValueError):
                continue
            for sock in ready:
                if sock is self.listener:
                    self.accept()
                else:
                    self.pass_on(sock, ends[sock])

    def accept(self):
        try:
            near, _ = self.listener.accept()
            far = socket.create_connection(self.target, timeout=5)
        except OSError:  # nobody listens there any more, so nobody listens here
            near.close()
            self.listener.close()
            return
        for sock in (near, far):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(near, far)
        with self.lock:
            connection.limit = self.limits.pop(0) if self.limits else None
            self.connections.append(connection)

    def pass_on(self, sock, connection):
        other = connection.far if sock is connection.near else connection.near
        try:
            data = sock.recv(1 << 16)
            if not data:
                raise OSError
            if self.change:
                data = self.change(data)
            room = None if connection.limit is None else connection.limit - sum(connection.passed.values())
            cut = room is not None and len(data) >= room
            data = data[:room] if cut else data
            connection.passed[sock] += len(data)
            other.settimeout(5)
            other.sendall(data)
            if cut:
                connection.reset()
        except OSError:
            connection.near.close()
            connection.far.close()

    def lasting(self):
        """The connections that still go through."""
        with self.lock:
            return [c for c in self.connections if c.near.fileno() >= 0 and c.far.fileno() >= 0]

    def reset(self):
        """End all connections as a router does that was switched off and on again."""
        for connection in self.lasting():
            connection.reset()

    def silence(self):
        """Lose all that comes on the connections that there are, and say nothing."""
        for connection in self.lasting():
            connection.deaf |= {connection.near, connection.far}

    def close_for_good(self):
        """Nobody gets through any more: neither taken nor refused, as when a cable is cut."""
        self.closed = True
        time.sleep(0.1)  # this end is in the middle of a turn perhaps
        self.silence()
        self.listener.listen(0)
        for _ in range(3):  # the kernel answers none that come after these
            plug = socket.socket()
            plug.setblocking(False)
            plug.connect_ex(self.address)
            self.plugs.append(plug)

    def end(self):
        self.ended = True
        self.thread.join(5)
        for sock in (self.listener, *self.plugs):
            sock.close()
        for connection in self.connections:
            connection.near.close()
            connection.far.close()
