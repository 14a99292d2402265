"""What the page is told of the running demo, from the first moment on."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

from agent_core.masking import without_password
from bots.demo.options import DemoFailed, Support
from bots.demo.worker import Worker, WorkerState
from bots.settings import ModelSettings, Settings

if TYPE_CHECKING:
    from bots.demo.inspection import Inspection

_RULES: Final = "scripted rules, not a language model"


class Shown:
    """`inspect_server.Inspected`. Without a worker, or before its first start, lists are empty."""

    def __init__(self, model: ModelSettings | None, support: Support) -> None:
        self.worker: Worker | None = None
        self.inspection: Inspection | None = None
        self._model = model
        self._support = support

    @property
    def model_label(self) -> str:
        """The model as people read it."""
        if self._model is None:
            return _RULES
        name = self._model.name or "the first model"
        where = without_password(self._model.base_url or "")
        return f"{name} at {where}" if where else name

    async def open_databases(self, settings: Settings) -> None:
        """Makes the databases readable here. The service has to have made them."""
        self.inspection = await asyncio.to_thread(_inspection_of, settings)
        await self.inspection.open()

    async def close(self) -> None:
        if self.inspection is not None:
            await self.inspection.close()

    def status(self) -> dict[str, Any]:
        worker = self.worker
        return {
            "worker": {
                "pid": worker.pid if worker else None,
                "state": (worker.state if worker else WorkerState.STARTING).value,
                "restarts": worker.restarts if worker else 0,
            },
            "model": {"label": self.model_label, "is_language_model": self._model is not None},
            "support": self._support.value,
        }

    async def proposals(self, limit: int) -> list[dict[str, Any]]:
        return await self.inspection.proposals(limit) if self.inspection else []

    async def ledger(self, limit: int) -> list[dict[str, Any]]:
        return await self.inspection.ledger(limit) if self.inspection else []

    async def accounts(self) -> list[dict[str, Any]]:
        return await self.inspection.accounts() if self.inspection else []

    async def kill_worker(self) -> None:
        if self.worker is None:
            raise DemoFailed("The service is not started yet.")
        await self.worker.kill()


def _inspection_of(settings: Settings) -> "Inspection":
    from bots.demo.inspection import Inspection  # the databases' packages take a while to load

    return Inspection(settings)
