"""Text of people in, Markdown of models out: mentions resolved, markup escaped. Pure."""

import html
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bots.teams.activity import IncomingActivity

_MARKS = re.compile(r"([\\`*_\[\]~|])")
_LINE_START = re.compile(r"^(\s*)(#{1,6}(?=\s|$)|[-+](?=\s|$)|-{2,}|=+(?=\s*$)|>)", re.MULTILINE)
_NUMBER = re.compile(r"^(\s*\d{1,9})([.)])(?=\s|$)", re.MULTILINE)
_REFERENCE = re.compile(r"&(?=#?\w+;)")
_TAG = re.compile(r"</?at\b[^>]*>", re.IGNORECASE)
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_SCHEMES = ("http", "https", "mailto")


def read_text(activity: IncomingActivity) -> tuple[str, bool]:
    """What somebody wrote, without the agent's own mention, and whether it was mentioned.

    Each mention entity stands for one place in the text; the agent's name written elsewhere stays.
    """
    text = activity.text or ""
    mentioned = False
    for entity in activity.entities:
        if entity.type != "mention" or entity.mentioned is None:
            continue
        own = entity.mentioned.id == activity.recipient.id
        mentioned = mentioned or own
        if entity.text:
            shown = "" if own else "@" + _TAG.sub("", entity.text)
            text = text.replace(entity.text, shown, 1)
    text = text.replace("\xa0", " ").replace("&nbsp;", " ")
    if activity.text_format == "xml":
        text = html.unescape(text)
    return text.replace("\r\n", "\n").strip(), mentioned


def escape(text: str) -> str:
    """Plain text for a place that reads Markdown: shown as it is, with no mention and no markup."""
    text = _MARKS.sub(r"\\\1", text)
    text = _REFERENCE.sub("&amp;", text).replace("<", "&lt;")
    text = _LINE_START.sub(r"\1\\\2", text)
    return _NUMBER.sub(r"\1\\\2", text)


def link(label: str, url: str) -> str:
    """A link that shows where it leads. Anything but http, https and mailto becomes text."""
    host = _host(url)
    if host is None:
        return f"{escape(label)} (link removed)"
    target = url.replace("(", "%28").replace(")", "%29").replace("<", "%3C").replace(">", "%3E")
    target = re.sub(r"[\s\\]", "", target)
    if label.strip() in ("", url, host):
        return f"[{escape(label.strip() or host)}]({target})"
    return f"[{escape(label)}]({target}) ({escape(host)})"


def _host(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    if parts.scheme.lower() not in _SCHEMES:
        return None
    if parts.scheme.lower() == "mailto":
        return parts.path or None
    # The punycode form, so that look-alike letters are seen.
    try:
        return host.encode("idna").decode() or None
    except UnicodeError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A paragraph in Teams' Markdown, or the literal lines of a code block."""

    text: str
    code: bool = False


def pieces(markdown: str) -> list[Piece]:
    """Markdown of a model in the little Markdown that Teams draws everywhere.

    Bold, italics, links and lists stay; headings become bold, tables become lists, HTML is text.
    """
    return _Writer(_PARSER.parse(markdown)).written()


class _Writer:
    """Walks the tokens of one text once."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._done: list[Piece] = []
        self._lists: list[int | None] = []  # the next number; None for bullets
        self._lines: list[str] = []  # of the list being written
        self._mark = ""
        self._quotes = 0
        self._header: list[str] = []
        self._cells: list[str] = []
        self._in_head = False

    def written(self) -> list[Piece]:
        for token in self._tokens:
            self._take(token)
        return self._done

    def _take(self, token: Token) -> None:
        match token.type:
            case "inline":
                self._inline(token)
            case "fence" | "code_block":
                self._done.append(Piece(text=token.content.rstrip("\n"), code=True))
            case "hr":
                self._done.append(Piece(text="———"))
            case "blockquote_open":
                self._quotes += 1
            case "blockquote_close":
                self._quotes -= 1
            case "bullet_list_open" | "ordered_list_open":
                ordered = token.type == "ordered_list_open"
                self._lists.append(int(token.attrGet("start") or 1) if ordered else None)
            case "bullet_list_close" | "ordered_list_close":
                self._close_list()
            case "list_item_open":
                self._open_item()
            case _:
                self._take_table(token)

    def _inline(self, token: Token) -> None:
        text = inline(token.children or [])
        if self._in_table:
            self._cells.append(text)
        elif self._lists:
            indent = "  " * (len(self._lists) - 1)
            self._lines.append(f"{indent}{self._mark or '  '}{text}")
            self._mark = ""
        else:
            heading = token.level == 1 and self._is_heading(token)
            text = f"**{text}**" if heading and "**" not in text else text
            self._done.append(Piece(text=f"“{text}”" if self._quotes else text))

    def _is_heading(self, token: Token) -> bool:
        return self._tokens[self._tokens.index(token) - 1].type == "heading_open"

    @property
    def _in_table(self) -> bool:
        return self._in_head or bool(self._header)

    def _open_item(self) -> None:
        number = self._lists[-1]
        self._mark = "- " if number is None else f"{number}. "
        if number is not None:
            self._lists[-1] = number + 1

    def _close_list(self) -> None:
        self._lists.pop()
        if not self._lists and self._lines:
            self._done.append(Piece(text="\n".join(self._lines)))
            self._lines = []

    def _take_table(self, token: Token) -> None:
        match token.type:
            case "thead_open":
                self._in_head = True
            case "thead_close":
                self._in_head, self._header, self._cells = False, self._cells, []
            case "tr_close" if not self._in_head:
                named = zip(self._header, self._cells, strict=False)
                self._lines.append("- " + "; ".join(f"{name}: {cell}" for name, cell in named))
                self._cells = []
            case "table_close":
                text = "\n".join(self._lines) or " · ".join(self._header)
                self._done.append(Piece(text=text))
                self._header, self._cells, self._lines = [], [], []


def inline(tokens: list[Token]) -> str:
    """One paragraph's words."""
    out: list[str] = []
    labels: list[tuple[str, list[str]]] = []
    for token in tokens:
        match token.type:
            case "link_open":
                labels.append((str(token.attrGet("href") or ""), out))
                out = []
            case "link_close" if labels:
                url, outer = labels.pop()
                outer.append(link(_plain("".join(out)), url))
                out = outer
            case _:
                out.append(_shown(token))
    return "".join(out)


def _shown(token: Token) -> str:
    match token.type:
        case "text" | "code_inline" | "html_inline":
            return escape(token.content)
        case "strong_open" | "strong_close":
            return "**"
        case "em_open" | "em_close":
            return "_"
        case "softbreak":
            return "\n"
        case "hardbreak":
            return "\n\n"
        case "image":
            return link(token.content or "image", str(token.attrGet("src") or ""))
        case _:
            return escape(token.content)


def _plain(label: str) -> str:
    """A link's label without emphasis, unescaped, to be escaped as one."""
    return html.unescape(re.sub(r"\\([\\`*_\[\]~|#>+=.)-])", r"\1", label.replace("**", "")))
