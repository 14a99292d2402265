"""No line of the log holds a secret, or what somebody wrote; every line says where it belongs."""

import asyncio
import io
import json
import logging
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_core.errors import StoreError
from agent_core.telemetry import SILENT, within
from bots.logs import line_formatter, set_up_logs
from bots.settings import Settings

WORDS = "my daughter is called Ottilie"
CARD = "4111 1111 1111 1111"


def line(
    message: str, *args: object, secrets: tuple[str, ...] = (), error: Any = None, **extra: object
) -> str:
    record = logging.getLogger("tests.sight").makeRecord(
        "tests.sight", logging.ERROR, __file__, 1, message, args, error, extra=extra
    )
    return line_formatter(secrets, for_person=False).format(record)


def raised(error: Exception) -> Any:
    try:
        raise error
    except Exception as caught:  # noqa: BLE001 - whatever was given
        return (type(caught), caught, caught.__traceback__)


TOKENS = st.text(alphabet=string.ascii_letters + string.digits + "-_/+=%&?\"'\\ ü€", min_size=8)


@settings(deadline=None)
@given(secret=TOKENS.filter(lambda text: text.strip() == text), around=st.text(max_size=20))
def test_a_configured_secret_appears_in_no_line(secret: str, around: str) -> None:
    error = raised(StoreError(f"{around}{secret}{around}"))
    written = line(
        "%s %s",
        f"{around}{secret}{around}",
        {"nested": [secret]},
        secrets=(secret,),
        error=error,
        url=f"https://x.example/?token={secret}",
        deep={"a": {"b": (secret, secret.encode())}},
        key_of=Shown(secret),
    )
    plain = json.dumps(json.loads(written), ensure_ascii=False)
    for shown in (written, plain, str(json.loads(written))):
        assert secret not in shown


class Shown:
    """Something whose text is a secret."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-123456789012-abcdefGHIJKL",
        "xapp-1-A0123-456-abcdef0123456789",
        "sk-proj-abcdefghijklmnopqrstuvwx",
        "Bearer abcdefghijklmnopqrstuvwxyz012345",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0aa.c2lnbmF0dXJlc2ln",
        CARD,
    ],
)
def test_what_looks_like_a_secret_is_masked(secret: str) -> None:
    written = line("refused: %s", secret, header=secret)
    assert secret.removeprefix("Bearer ") not in written


def test_an_exception_tells_its_place_and_none_of_its_text() -> None:
    with pytest.raises(KeyError) as caught:
        try:
            int(WORDS)
        except ValueError as first:
            raise KeyError(WORDS) from first
    error = caught.value
    written = line("it failed", error=(type(error), error, error.__traceback__))
    assert "Ottilie" not in written
    told = json.loads(written)["exception"]
    assert "builtins.KeyError" in told and "builtins.ValueError" in told
    assert "sight/test_logs.py:" in told
    assert "because of" in told


def test_errors_of_ours_that_hold_codes_alone_are_told() -> None:
    written = line("it failed", error=raised(StoreError("the database refused: disk I/O error")))
    assert "the database refused: disk I/O error" in json.loads(written)["exception"]


def test_several_errors_at_once_are_told_without_their_text() -> None:
    group = ExceptionGroup(WORDS, [ValueError(WORDS), RuntimeError(WORDS)])
    written = line("it failed", error=raised(group))
    assert "Ottilie" not in written
    assert "builtins.RuntimeError" in written


async def test_a_task_that_nobody_awaited_says_nothing_of_what_it_held(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails() -> None:
        raise ValueError(WORDS)

    task = asyncio.create_task(fails())
    await asyncio.wait([task])
    loop = asyncio.get_running_loop()
    loop.call_exception_handler(
        {
            "message": "Task exception was never retrieved",
            "task": task,
            "exception": task.exception(),
        }
    )
    record = next(one for one in caplog.records if one.name == "asyncio")
    assert "Ottilie" in record.getMessage()  # the library's own text holds it
    written = line_formatter((), for_person=False).format(record)
    assert "Ottilie" not in written
    assert "Task exception was never retrieved" in written


def test_a_line_says_where_it_belongs() -> None:
    with SILENT.span("turn", parent=""), within(conversation="conv_1", turn="turn_1"):
        told = json.loads(line("worked"))
    assert len(told["trace_id"]) == 32
    assert (told["conversation"], told["turn"]) == ("conv_1", "turn_1")
    assert "trace_id" not in json.loads(line("idle"))


def test_every_secret_of_the_settings_is_known() -> None:
    environ = {
        "SLACK_BOT_TOKEN": "xoxb-the-bot",
        "SLACK_SIGNING_SECRET": "the-signing",
        "OPENAI_API_KEY": "the-model-key",
        "HANDRAIL_METRICS_TOKEN": "the-metrics-token-1",
        "HANDRAIL_PAYMENTS_KEY": "the-payments-key",
        "HANDRAIL_DATABASE_URL": "postgresql://hr:p%40ssw0rd@db.example/hr",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.example:4318",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=the-collector-key",
    }
    found = Settings.load(environ).secrets
    for secret in (
        "xoxb-the-bot",
        "the-signing",
        "the-model-key",
        "the-metrics-token-1",
        "the-payments-key",
        "p@ssw0rd",
        "p%40ssw0rd",
        "the-collector-key",
    ):
        assert secret in found, secret
    assert not any("db.example" in one for one in found)


def test_a_secret_that_looks_like_an_address_is_one_all_the_same() -> None:
    environ = {
        "HANDRAIL_PAYMENTS_KEY": "key://the-payments-key",
        "HANDRAIL_DATABASE_URL": "postgresql://db.example/hr?user=hr&password=p%40ssw0rd",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://me:the-span@c.example",  # pragma: allowlist secret
        "OPENAI_BASE_URL": "https://me:the-gateways@models.example/v1",  # pragma: allowlist secret
        "OTEL_EXPORTER_OTLP_HEADERS": "dsn=https://the-token@collector.example/2?x=1",
    }
    found = Settings.load(environ).secrets
    for secret in (
        "key://the-payments-key",
        "p@ssw0rd",
        "p%40ssw0rd",
        "https://the-token@collector.example/2?x=1",
        "the-span",
        "the-gateways",
    ):
        assert secret in found, secret
    assert not any("db.example" in one for one in found)


def test_long_values_are_cut() -> None:
    assert len(line("x" * 100_000)) < 6000


def test_a_line_that_cannot_be_written_tells_its_place_alone() -> None:
    stream = io.StringIO()
    set_up_logs("info", ("a-secret-1",), stream)
    try:
        logging.getLogger("tests.sight").error("%d of a-secret-1", WORDS)
    finally:
        logging.getLogger().handlers.clear()
    assert "Ottilie" not in stream.getvalue() and "a-secret-1" not in stream.getvalue()
    assert "tests.sight" in stream.getvalue() and "test_logs.py" in stream.getvalue()
