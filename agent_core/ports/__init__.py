"""What the core needs from the outside, as Protocols; adapters sit where they are implemented."""

from agent_core.ports.actions import Brakes, Ledger, Proposals
from agent_core.ports.audit import Audit, Seal
from agent_core.ports.conversations import Conversations, Escalations, Transcript
from agent_core.ports.engine import Engine, EngineHandler, EngineKind, Held, Presence
from agent_core.ports.model import ChatModel, ModelMessage, ModelReply, ModelRequest, Usage
from agent_core.ports.outgoing import Outgoing
from agent_core.ports.people import Departure, People, Rooms
from agent_core.ports.platform import Answer, PlatformAdapter, PostRemover, Receiver
from agent_core.ports.store import DurableStore, Store, UnitOfWork
from agent_core.ports.support import Outbox, SupportCommands, SupportDesk
from agent_core.ports.tools import AccountDirectory, PolicySource, ToolCatalog
from agent_core.ports.turns import Inbox, Turns
from agent_core.ports.upkeep import Upkeep
from agent_core.ports.world import Clock, Ids

__all__ = [
    "AccountDirectory",
    "Answer",
    "Audit",
    "Brakes",
    "ChatModel",
    "Clock",
    "Conversations",
    "Departure",
    "DurableStore",
    "Engine",
    "EngineHandler",
    "EngineKind",
    "Escalations",
    "Held",
    "Ids",
    "Inbox",
    "Ledger",
    "ModelMessage",
    "ModelReply",
    "ModelRequest",
    "Outbox",
    "Outgoing",
    "People",
    "PlatformAdapter",
    "PolicySource",
    "PostRemover",
    "Presence",
    "Proposals",
    "Receiver",
    "Rooms",
    "Seal",
    "Store",
    "SupportCommands",
    "SupportDesk",
    "ToolCatalog",
    "Transcript",
    "Turns",
    "UnitOfWork",
    "Upkeep",
    "Usage",
]
