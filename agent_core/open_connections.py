"""Connections to a database server, to be cut where it says nothing any more."""

import asyncio
import logging
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from weakref import WeakSet

_log = logging.getLogger(__name__)


class OpenConnections:
    """psycopg's, as long as somebody holds them."""

    def __init__(self) -> None:
        self._open: WeakSet[Any] = WeakSet()

    def add(self, connection: object, _record: object = None) -> None:
        """As SQLAlchemy calls who listens for `connect`."""
        self._open.add(connection)

    async def end(self, threads: ThreadPoolExecutor, seconds: float | None, database: str) -> None:
        """Lets what these threads do on them end; after so many seconds they are cut. None: it
        takes as long as it takes.

        It is beside the loop, which has to hear a second signal meanwhile.
        """
        ended = asyncio.create_task(asyncio.to_thread(threads.shutdown))
        _, late = await asyncio.wait([ended], timeout=seconds)
        if late:
            _log.warning("%s does not answer: its connections are cut", database)
            threads.shutdown(wait=False, cancel_futures=True)
            self.cut()
        await ended

    def cut(self) -> None:
        """Whoever waits for an answer gets an error now, in whichever thread.

        Only the socket is touched: the connection itself belongs to the thread that waits.
        """
        for connection in list(self._open):
            if not connection.closed:
                with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as held:
                    held.shutdown(socket.SHUT_RDWR)
