"""Strategies for everything around a payload: method, address, headers and framing."""

import gzip
from functools import cache

from hypothesis import strategies as st

from tests.doors.wires import Request

METHODS = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "G", "post")
TARGETS = (
    b"?",
    b"?state=%FF%00&code=%ED%A0%80",
    b"?" + b"a=1&" * 900,
    b"?error=access_denied&error=%3Cscript%3E",
    b"?ssl_check=1",
    b"/",
    b"/../healthz",
    b"%2e%2e/",
    b"%00",
    b"#x",
    b";a=b",
    b"?x=" + b"y" * 7_000,
    b"?x=" + b"y" * 9_000,
)
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"Content-Type", b"text/plain"),
    (b"Content-Type", b"multipart/form-data; boundary=x"),
    (b"Content-Type", b"application/json; charset=utf-16"),
    (b"Content-Type", b"application/json; charset=\xff"),
    (b"Content-Type", b"application/json" + b"; a=b" * 500),
    (b"Content-Type", b";"),
    (b"Content-Encoding", b"gzip"),
    (b"Content-Encoding", b"br"),
    (b"Content-Encoding", b"identity"),
    (b"Transfer-Encoding", b"chunked"),
    (b"Transfer-Encoding", b"gzip, chunked"),
    (b"Content-Length", b"-1"),
    (b"Content-Length", b"5, 6"),
    (b"Content-Length", b"99999999999999999999"),
    (b"Expect", b"100-continue"),
    (b"Expect", b"tea"),
    (b"Host", b"[::1"),
    (b"Host", b"\xff\xfe"),
    (b"Cookie", b"handrail-slack-install=\xff\xfe\x80; a"),
    (b"Cookie", b"a=" + b"b" * 8_000),
    (b"Authorization", b"Bearer \xff"),
    (b"Range", b"bytes=0-1,5-99999999999999"),
    (b"If-Modified-Since", b"yesterday"),
    (b"Upgrade", b"websocket"),
    (b"Connection", b"Upgrade"),
    (b"Accept-Encoding", b"gzip;q=nan, *"),
    (b"X-Slack-Retry-Num", b"\xff"),
    (b"X-Forwarded-For", b"x" * 4_000),
    (b"X" * 9_000, b"long name"),
    (b"Traceparent", b"00-zz"),
    (b"A\x00B", b"C"),
)


@cache
def bomb() -> bytes:
    """A few KiB that unfold into 64 MiB."""
    return gzip.compress(b"[" * (64 * 1024 * 1024))


@st.composite
def around(draw: st.DrawFn, request: Request) -> Request:
    """The request as it is, or with one or two things wrong on the way."""
    kinds = ["as it is"] * 5 + ["method", "target", "header", "header", "framing", "bomb", "many"]
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=2)):
        match kind:
            case "method":
                request.method = draw(st.sampled_from(METHODS))
            case "target":
                request.target += draw(st.sampled_from(TARGETS))
            case "header":
                request.headers = [*request.headers, draw(st.sampled_from(HEADERS))]
            case "bomb":
                request.body = bomb()
                request.headers = [*request.headers, (b"Content-Encoding", b"gzip")]
            case "many":
                request.headers = [*request.headers, *[(b"X-More", b"1")] * 200]
            case "framing":
                _reframed(draw, request)
    return request


def _reframed(draw: st.DrawFn, request: Request) -> None:
    match draw(st.sampled_from(["chunked", "again", "lost", "lost in chunks", "more", "less"])):
        case "chunked":
            request.chunk = draw(st.sampled_from([1 + len(request.body) // 7, 100_000]))
        case "again":
            request.again = True
        case "lost":
            request.lost = draw(st.integers(1, max(1, len(request.body))))
        case "lost in chunks":
            request.chunk, request.lost = 1 + len(request.body) // 3, 3
        case "more":
            request.claimed = len(request.body) + draw(st.sampled_from([1, 5_000, 10**12]))
        case "less":
            request.claimed = max(0, len(request.body) - 1)
