"""The engine on DBOS: queues, exclusion, recovery and timers. The only module that imports it.

Rules and traps: docs/architecture.md, "The durable engine". DBOS keeps its rows in our database
(on Postgres in the schema `dbos`), and none of them holds more than ids.
"""

import asyncio
import json
import logging
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions, Queue, Serializer
from dbos._queue import queue_worker_thread

from agent_core.attempts import TRIES, attempt, attempt_several
from agent_core.engine.presence import Presence, leave_the_process
from agent_core.engine.slots import slot_number
from agent_core.engine.waking import Waking
from agent_core.errors import ConfigurationError
from agent_core.ports import Clock, EngineHandler, EngineKind, UnitOfWork

_log = logging.getLogger(__name__)
_NAME: Final = "handrail"
_WORKFLOW: Final = "handrail_entry"
# Constant: DBOS would hash the source, and each deploy would strand work and block its key.
_VERSION: Final = "1"
_QUEUES: Final = {kind: f"handrail_{kind}" for kind in EngineKind}
_FINISHED: Final = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_BATCH: Final = 500
OTHERS_AT_ONCE: Final = 64
CLEAN_SECONDS: Final = 60.0


class _Json(Serializer):
    """Ids as JSON; the library's default would be pickle."""

    def serialize(self, data: Any) -> str:
        return json.dumps(data, separators=(",", ":"))

    def deserialize(cls, serialized_data: str) -> Any:
        return json.loads(serialized_data)

    def name(self) -> str:
        return "handrail_json"


def _check_versions(url: str) -> None:
    if not url.startswith("sqlite"):
        return
    if sys.version_info >= (3, 12) and sqlite3.sqlite_version_info < (3, 42):
        raise ConfigurationError(
            [
                f"SQLite {sqlite3.sqlite_version} is too old for Python 3.12 and later: the queue "
                "would lose its order. Use SQLite 3.42 or later, Python 3.11, or Postgres."
            ]
        )


def plain_url(url: str) -> str:
    """The URL as DBOS and psycopg want it: without the name of a driver."""
    scheme, separator, rest = url.partition("://")
    scheme = scheme.partition("+")[0].replace("postgresql", "postgres")
    return f"{'postgresql' if scheme == 'postgres' else scheme}{separator}{rest}"


class DbosEngine:
    """`ports.Engine` on SQLite (one process) or Postgres (many).

    `executor_id` names this process on SQLite; on Postgres the slot it gets does. One started
    engine per process is DBOS's limit; after `drain` the next one may start. `presence` is the
    slot of this process, entered and left by whoever made it; without one the engine has its own,
    from `start` to `drain`. `lost_lock` is called when the connection that holds that is gone; by
    default the process exits at once.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        executor_id: str = "local",
        worker_concurrency: int = 512,
        poll_seconds: float = 0.1,
        slow_poll_seconds: float = 0.5,
        sweep_seconds: float = 5.0,
        keep_finished: timedelta = timedelta(hours=1),
        retry_seconds: float = 0.5,
        presence: Presence | None = None,
        lost_lock: Callable[[], None] = leave_the_process,
    ) -> None:
        self._url = plain_url(url)
        _check_versions(self._url)
        self._clock = clock
        self._executor_id = executor_id
        self._worker_concurrency = worker_concurrency
        slowly = max(poll_seconds, slow_poll_seconds)
        is_alone = self._url.startswith("sqlite")
        self._poll_seconds = {
            # What this process commits rings; on Postgres others commit too.
            EngineKind.TURN: slowly if is_alone else poll_seconds,
            # Deliveries start in the process that commits them, and timers are no race.
            EngineKind.DELIVER: slowly,
            EngineKind.TIMER: slowly,
        }
        self._waking = Waking()
        self._sweep_seconds = sweep_seconds
        self._keep_finished = keep_finished
        self._retry_seconds = retry_seconds
        self._lost_lock = lost_lock
        self._presence = presence
        self._owns_presence = presence is None and self._url.startswith("postgresql")
        self._dbos: DBOS | None = None
        self._handlers: Mapping[EngineKind, EngineHandler] = {}
        self._running: set[asyncio.Task[Any]] = set()
        self._parked: set[asyncio.Task[Any]] = set()
        self._taken: dict[str, int] = {}  # the ids of entries that run here
        self._orphans: set[str] = set()  # of this executor, and seen once without anybody at work
        self._chores: list[asyncio.Task[None]] = []
        self._draining = False
        library_log = logging.getLogger("dbos")
        library_log.setLevel(logging.WARNING)
        if not library_log.handlers:
            library_log.addHandler(logging.NullHandler())  # else it writes to the console itself
        self._client = DBOSClient(
            system_database_url=self._url,
            serializer=_Json(),
            application_name=_NAME,
            lazy=True,
        )

    @property
    def executor_id(self) -> str:
        """Who this process is to the others: its slot, once started on Postgres."""
        return self._executor_id

    def prepare(self) -> None:
        """Makes or upgrades DBOS's own tables; `start` does it too."""
        DBOS.migrate(self._url)

    def submit(
        self, tx: UnitOfWork, *, kind: EngineKind, key: str, ref: str, at: datetime | None = None
    ) -> None:
        options = EnqueueOptions(
            workflow_name=_WORKFLOW,
            queue_name=_QUEUES[kind],
            workflow_id=f"{kind}:{ref}",
            app_version=_VERSION,
        )
        if kind is not EngineKind.TIMER:
            options["queue_partition_key"] = key
        delay = (at - self._clock.now()).total_seconds() if at is not None else 0.0
        if delay > 0:
            options["delay_seconds"] = delay
        connection: Any = tx.connection
        if connection is None:
            raise ConfigurationError(["the DBOS engine needs the SQL store, not memory"])
        self._client.enqueue_in_transaction(connection, options, kind.value, key, ref)
        if kind is EngineKind.TURN and delay <= 0:
            tx.after_commit(lambda: self._waking.committed(key))

    async def start(self, handlers: Mapping[EngineKind, EngineHandler]) -> None:
        """Call it inside the loop that runs the handlers. Recovers what this executor left."""
        self._handlers = dict(handlers)
        self._draining = False
        if self._owns_presence:
            check = self._sweep_seconds / 2
            self._presence = Presence(self._url, check_seconds=check, lost=self._lost_lock)
            await self._presence.enter()
        if self._presence is not None:
            self._executor_id = self._presence.name
        DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)(self._entry())
        self._dbos = DBOS(config=self._config())
        # The queue of turns has a thread of ours, which runs the same loop and can be woken.
        DBOS.listen_queues([name for kind, name in _QUEUES.items() if kind is not EngineKind.TURN])
        DBOS.launch()
        queues = {kind: await self._register(kind) for kind in EngineKind}
        turns = partial(queue_worker_thread, dbos=self._dbos, queue=queues[EngineKind.TURN])
        self._waking.start(turns, f"queue-worker-{_QUEUES[EngineKind.TURN]}")
        self._chores = [self._every(CLEAN_SECONDS, "clean up", self.delete_finished)]
        self._chores.append(self._every(self._sweep_seconds, "look around", self.resume_orphans))
        if self._presence is not None:
            self._chores.append(self._every(self._sweep_seconds, "sweep", self.sweep))

    async def _register(self, kind: EngineKind) -> Queue:
        return await DBOS.register_queue_async(
            _QUEUES[kind],
            partition_concurrency=None if kind is EngineKind.TIMER else 1,
            worker_concurrency=self._at_once(kind),
            polling_interval_sec=self._poll_seconds[kind],
            on_conflict="always_update",
        )

    def _at_once(self, kind: EngineKind) -> int:
        """Turns mostly wait for a model; what a thousand timers do at once is all the store's."""
        if kind is EngineKind.TURN:
            return self._worker_concurrency
        return min(self._worker_concurrency, OTHERS_AT_ONCE)

    async def drain(self, seconds: float) -> None:
        """Takes nothing new. What still runs after `seconds` is cancelled; it stays pending and
        is recovered, on Postgres by another worker at once."""
        self._draining = True
        self._waking.stop()  # else it would go on taking entries from the queue, for nobody
        if self._dbos is not None:
            for stop in self._dbos.background_thread_stop_events:
                stop.set()
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)
        await self._cancel_the_rest()
        if self._presence is not None and self._dbos is not None:
            await attempt("hand over", self._hand_over)
        # DBOS lent the loop its threads and now ends them; others still need some.
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))
        await asyncio.to_thread(self._waking.join)
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
        await self._cancel_the_rest()
        await asyncio.to_thread(self._client.destroy)
        if self._owns_presence and self._presence is not None:
            await self._presence.leave()

    async def sweep(self) -> None:
        """Takes over what dead workers left running. On Postgres every few seconds."""
        presence = self._presence
        if presence is None:
            return
        pending = await DBOS.list_workflows_async(
            status="PENDING", app_version=_VERSION, load_input=False, load_output=False
        )
        for name in sorted({str(workflow.executor_id) for workflow in pending}):
            if slot_number(name) is not None and name != presence.name:
                await self._take_from_dead(presence, name)

    def _config(self) -> DBOSConfig:
        return DBOSConfig(
            name=_NAME,
            system_database_url=self._url,
            application_version=_VERSION,
            executor_id=self._executor_id,
            serializer=_Json(),
            use_listen_notify=False,
            log_level="WARNING",
            sys_db_pool_size=5,
            max_executor_threads=32,
            notification_listener_polling_interval_sec=0.1,
        )

    def _entry(self) -> Callable[[str, str, str], Awaitable[None]]:
        async def run_entry(kind: str, key: str, ref: str) -> None:
            """Returns nothing and raises nothing: DBOS would replay either in another shape."""
            await self._run(EngineKind(kind), key, ref)

        return run_entry

    async def _run(self, kind: EngineKind, key: str, ref: str) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks = self._parked if self._draining else self._running
        tasks.add(task)
        entry = f"{kind}:{ref}"
        self._taken[entry] = self._taken.get(entry, 0) + 1
        task.add_done_callback(lambda _: self._let_go(entry))
        if kind is EngineKind.TURN:
            self._waking.begun(key)
            task.add_done_callback(lambda _: self._waking.ended(key))
        # The task is DBOS's own and also writes down that the entry is done.
        task.add_done_callback(tasks.discard)
        if self._draining:
            await asyncio.Event().wait()  # stays pending, for the next process
        await attempt_several(
            f"{kind} entry {ref}",
            lambda: self._handlers[kind](key, ref),
            tries=TRIES,
            pause_seconds=self._retry_seconds,
        )

    def _let_go(self, entry: str) -> None:
        self._taken[entry] -= 1
        if not self._taken[entry]:
            del self._taken[entry]

    async def resume_orphans(self) -> None:
        """Runs again what is marked as running here and is not: the database could not be told of
        its end, as on a full disk. Its key would be blocked until the next start."""
        self._waking.revive()
        pending = await DBOS.list_workflows_async(
            status="PENDING", executor_id=self._executor_id, load_input=False
        )
        idle = {one.workflow_id for one in pending} - self._taken.keys()
        lost, self._orphans = idle & self._orphans, idle - self._orphans
        for one in pending:
            if one.workflow_id in lost:
                _log.warning("entry %s has no end on record: running it again", one.workflow_id)
                await DBOS.resume_workflows_async([one.workflow_id], queue_name=one.queue_name)

    async def _cancel_the_rest(self) -> None:
        rest = self._running | self._parked
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _take_from_dead(self, presence: Presence, name: str) -> None:
        dead = await presence.dead(name)
        if dead is None:
            return
        try:
            # Read again under the lock: the slot may have had another worker meanwhile.
            await self._resume(name)
        finally:
            await asyncio.to_thread(dead.release)

    async def _hand_over(self) -> None:
        """Nothing of this worker runs any more: the others need not wait for its slot."""
        await self._resume(self._executor_id)

    async def _resume(self, name: str) -> None:
        pending = await DBOS.list_workflows_async(
            status="PENDING", executor_id=name, load_input=False
        )
        by_queue: defaultdict[str, list[str]] = defaultdict(list)
        for workflow in pending:
            by_queue[workflow.queue_name or ""].append(workflow.workflow_id)
        for queue, ids in by_queue.items():
            _log.warning("%s is gone: others resume %d entries", name, len(ids))
            await DBOS.resume_workflows_async(ids, queue_name=queue or None)

    async def delete_finished(self) -> None:
        """Forgets entries that ended `keep_finished` ago or earlier. Every minute by itself."""
        before = (datetime.now(UTC) - self._keep_finished).isoformat()
        while True:
            finished = await DBOS.list_workflows_async(
                status=_FINISHED,
                completed_before=before,
                limit=_BATCH,
                load_input=False,
                load_output=False,
            )
            if finished:
                await DBOS.delete_workflows_async([one.workflow_id for one in finished])
            if len(finished) < _BATCH:
                return

    def _every(
        self, seconds: float, what: str, work: Callable[[], Awaitable[None]]
    ) -> asyncio.Task[None]:
        async def repeat() -> None:
            while True:
                await attempt(what, work)
                await asyncio.sleep(seconds)

        return asyncio.create_task(repeat())
