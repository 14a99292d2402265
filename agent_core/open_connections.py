"""Connections to a database server, to be cut where it says nothing any more."""

import os
import socket
from contextlib import suppress
from typing import Any
from weakref import WeakSet


class OpenConnections:
    """psycopg's, as long as somebody holds them."""

    def __init__(self) -> None:
        self._open: WeakSet[Any] = WeakSet()

    def add(self, connection: object, _record: object = None) -> None:
        """As SQLAlchemy calls who listens for `connect`."""
        self._open.add(connection)

    def cut(self) -> None:
        """Whoever waits for an answer gets an error now, in whichever thread.

        Only the socket is touched: the connection itself belongs to the thread that waits.
        """
        for connection in list(self._open):
            if not connection.closed:
                with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as held:
                    held.shutdown(socket.SHUT_RDWR)
