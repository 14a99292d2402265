"""The model that answers: the configured ones in their order, or the scripted one."""

from agent_core.models.fallback import FallbackModel
from agent_core.models.listing import first_model
from agent_core.models.openai_model import Endpoint, OpenAIModel
from agent_core.models.planner import PlannerModel
from agent_core.ports import ChatModel
from agent_core.telemetry import Telemetry
from bots.settings import ModelSettings, Settings
from bots.sight.watched import WatchedModel


async def model_of(settings: Settings, telemetry: Telemetry) -> ChatModel:
    """The configured model and its fallback, each observed; without one, the scripted model, which
    is rules and says so."""
    if settings.model is None:
        return WatchedModel(PlannerModel(), telemetry)
    chosen = [settings.model]
    if settings.fallback_model is not None:
        chosen.append(settings.fallback_model)
    return FallbackModel([WatchedModel(await _endpoint(each), telemetry) for each in chosen])


async def _endpoint(chosen: ModelSettings) -> OpenAIModel:
    key = chosen.api_key.get_secret_value() if chosen.api_key else None
    name = chosen.name or await first_model(chosen.base_url or "", key)
    return OpenAIModel(Endpoint(model=name, base_url=chosen.base_url, api_key=key))
