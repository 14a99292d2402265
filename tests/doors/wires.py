"""Raw HTTP: what no client library sends, and what comes back."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urlsplit

ANSWER_SECONDS = 15.0  # far more than Slack's three: the machine may be busy with other tests
CUT = -1  # the service closed the connection without an answer


@dataclass(slots=True, kw_only=True)
class Request:
    """One request as bytes on the wire.

    `claimed`: the Content-Length that is said; None: the true one. `chunk`: sent in pieces of this
    size with chunked framing. `lost`: how many bytes of the body are never sent.
    """

    method: str = "POST"
    target: bytes = b"/"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    claimed: int | None = None
    chunk: int = 0
    lost: int = 0
    again: bool = False  # the same request once more behind it, without waiting

    def wire(self) -> bytes:
        head = [self.method.encode() + b" " + self.target + b" HTTP/1.1"]
        head += [name + b": " + value for name, value in self.headers]
        body = self.body
        if self.chunk:
            head.append(b"Transfer-Encoding: chunked")
            pieces = [body[i : i + self.chunk] for i in range(0, len(body), self.chunk)]
            body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
        elif self.body or self.claimed is not None or self.method == "POST":
            head.append(
                b"Content-Length: %d" % (len(body) if self.claimed is None else self.claimed)
            )
        sent = b"\r\n".join(head) + b"\r\n\r\n" + body[: len(body) - self.lost]
        return sent * 2 if self.again else sent


async def sent(address: str, request: Request) -> int:
    """The status of the answer; CUT where there is none. Fails where it takes too long."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            try:
                writer.write(request.wire())
                await writer.drain()
                if request.lost or request.claimed is not None:
                    writer.write_eof()  # no more will come: the sender has given up
                line = await reader.readline()
                while line.startswith(b"HTTP/1.1 100"):  # "go on": the answer comes behind it
                    await reader.readline()
                    line = await reader.readline()
            except ConnectionError:
                return CUT
        return int(line.split()[1]) if line.startswith(b"HTTP/1.") else CUT
    finally:
        writer.close()
