"""Slack's own text notation (`<@U…>`, `<url|text>`, `&amp;`) to plain words, and escaping. Pure."""

import re
from collections.abc import Mapping

_ENTITY = re.compile(r"<([@#!][^<>]+|[A-Za-z][A-Za-z0-9+.-]*:[^<>]+)>")
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")


def escape(untrusted: str) -> str:
    """Makes `& < >` literal, so that no mention, broadcast or link can be written by anybody."""
    return untrusted.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(said: str) -> str:
    """The reverse of what Slack does to typed text."""
    return said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def names_agent(said: str, agent_id: str) -> bool:
    """Whether the text mentions the agent: the only test that both twins of an event agree on."""
    return bool(agent_id) and agent_id in _MENTION.findall(said)


def mentioned_people(said: str) -> list[str]:
    """The ids of people mentioned, in order, each once."""
    return list(dict.fromkeys(_MENTION.findall(said)))


def to_plain(said: str, names: Mapping[str, str], *, agent_id: str = "") -> str:
    """Typed text in plain words: mentions by name, links as `text (url)`, the agent's own left out.

    `names` maps user ids to display names; who is not in it stays an id.
    """
    if agent_id:
        said = re.sub(rf"[ \t]?<@{re.escape(agent_id)}(?:\|[^<>]*)?>", "", said).strip()
    out: list[str] = []
    last = 0
    for match in _ENTITY.finditer(said):
        out.append(unescape(said[last : match.start()]))
        out.append(_entity(match.group(1), names))
        last = match.end()
    out.append(unescape(said[last:]))
    return "".join(out)


def _entity(inside: str, names: Mapping[str, str]) -> str:
    target, _, label = inside.partition("|")
    target, label = unescape(target), unescape(label)
    if target.startswith("@"):
        user = target[1:]
        return "@" + (names.get(user) or label.removeprefix("@") or user)
    if target.startswith("#"):
        return "#" + (label or target[1:])
    if target.startswith("!"):
        return _special(target[1:], label)
    bare = target.removeprefix("mailto:").removeprefix("tel:")
    if not label or label in (target, bare):
        return bare
    return f"{label} ({bare})"


def _special(target: str, label: str) -> str:
    """`<!here>`, `<!subteam^S1|@team>`, `<!date^…|fallback>`."""
    kind, _, rest = target.partition("^")
    if kind in ("here", "channel", "everyone"):
        return f"@{kind}"
    if label:
        return label
    return f"@{rest}" if kind == "subteam" else kind
