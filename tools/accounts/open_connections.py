"""The connections that an engine has open, to be cut where the server says nothing any more."""

import os
import socket
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from sqlalchemy import Engine, event


class OpenConnections:
    """Those to Postgres. A SQLite file has nobody at the other end who could fall silent."""

    def __init__(self) -> None:
        self._open: WeakSet[Any] = WeakSet()

    def watch(self, engine: Engine) -> None:
        """Before its first connection."""

        @event.listens_for(engine, "connect")
        def _on_connect(connection: object, _: object) -> None:
            self._open.add(connection)

    def cut(self) -> None:
        """Whoever waits for an answer gets an error now, in whichever thread.

        Only the socket is touched: the connection itself belongs to the thread that waits.
        """
        for connection in list(self._open):
            if not connection.closed:
                with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as held:
                    held.shutdown(socket.SHUT_RDWR)
