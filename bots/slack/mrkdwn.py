"""Markdown to Slack's mrkdwn, escaped throughout, and cuts that break nothing in two. Pure."""

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bots.slack import limits
from bots.slack.entities import escape

# HTML is off: a tag is text like any other.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_BARE_LINK = re.compile(r"https?://[^\s<>\"'`|]+[^\s<>\"'`|.,;:!?)\]}]")
_SCHEMES = ("http://", "https://", "mailto:")
# What may not be cut: a link, an escaped sign. The rest goes by words, then by characters.
_ATOMS = re.compile(r"<[^<>\n]*>|&(?:amp|lt|gt);|\n|[^\S\n]+|[^\s<&]+|[<&]")
_FENCE = "```"


def to_mrkdwn(markdown: str) -> list[str]:
    """The paragraphs, lists, quotes and code blocks of a Markdown text, each as mrkdwn.

    Every `&`, `<` and `>` of the text is escaped; the only `<…>` in the result are links to http,
    https and mailto that were written as links. Each piece fits into a section.
    """
    pieces: list[str] = []
    for piece in _Blocks(_MARKDOWN.parse(markdown)).pieces():
        pieces += _cut_piece(piece, limits.SECTION_TEXT)
    return [piece for piece in pieces if piece.strip()]


def link(url: str, label: str) -> str:
    """A mrkdwn link, or the label alone where the address may not be linked."""
    shown = escape(label).replace("|", "¦").replace("\n", " ").strip()
    if not url.lower().startswith(_SCHEMES) or len(url) > limits.LINK_LENGTH:
        return shown
    target = escape(re.sub(r"\s", "%20", url).replace("|", "%7C"))
    written = f"<{target}|{shown or target}>"
    return written if len(written) < limits.SECTION_TEXT else shown


def cut(text: str, limit: int) -> list[str]:
    """Cuts mrkdwn at line ends, else at spaces; never inside a link or an escaped sign."""
    if len(text) <= limit:
        return [text]
    parts: list[str] = []
    line_end, now = 0, ""
    for atom in _ATOMS.findall(text):
        while len(now) + len(atom) > limit:
            room = limit - len(now)
            if len(atom) > limit and not atom.startswith(("<", "&")):
                now, atom = now + atom[:room], atom[room:]
            at = line_end if line_end > limit // 2 else len(now)
            parts.append(now[:at])
            now, line_end = now[at:].lstrip("\n"), 0
        now += atom
        if atom == "\n":
            line_end = len(now)
    return [part for part in [*parts, now] if part.strip()]


def code_block(content: str) -> str:
    """Code as mrkdwn. Three backticks inside would end it, so they are drawn apart."""
    return f"{_FENCE}\n{escape(content.rstrip(chr(10))).replace(_FENCE, '`` `')}\n{_FENCE}"


def _cut_piece(piece: str, limit: int) -> list[str]:
    if not piece.startswith(_FENCE):
        return cut(piece, limit)
    inside = piece.removeprefix(_FENCE + "\n").removesuffix("\n" + _FENCE)
    frame = 2 * len(_FENCE) + 2
    return [f"{_FENCE}\n{part}\n{_FENCE}" for part in cut(inside, limit - frame)]


class _Blocks:
    """Walks markdown-it's block tokens and collects one string for each top-level block."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def pieces(self) -> list[str]:
        return self._until("")

    def _until(self, closing: str) -> list[str]:
        """Strings of the blocks up to the closing token, which is consumed."""
        found: list[str] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token.type == closing:
                break
            found += self._block(token)
        return [text for text in found if text]

    def _block(self, token: Token) -> list[str]:
        kind = token.type
        if kind == "inline":
            return [_inline(token.children or [])]
        if kind == "heading_open":
            return [_bold(text) for text in self._until("heading_close")]
        if kind in ("fence", "code_block"):
            return [code_block(token.content)]
        if kind == "blockquote_open":
            quoted = "\n".join(self._until("blockquote_close"))
            return ["\n".join(f"> {line}" for line in quoted.split("\n"))]
        if kind in ("bullet_list_open", "ordered_list_open"):
            return [self._list(kind.replace("_open", "_close"), token)]
        if kind == "table_open":
            return [self._table()]
        if kind == "hr":
            return ["———"]
        if kind.endswith("_open"):
            return self._until(kind.replace("_open", "_close"))
        return [escape(token.content)] if token.content else []

    def _list(self, closing: str, opening: Token) -> str:
        number = int(opening.attrs.get("start", 1)) if opening.tag == "ol" else 0
        lines: list[str] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token.type == closing:
                break
            inside = "\n".join(self._until("list_item_close")).split("\n")
            mark = f"{number}. " if opening.tag == "ol" else "• "
            lines.append(mark + inside[0])
            lines += ["    " + line for line in inside[1:]]
            number += 1
        return "\n".join(lines)

    def _table(self) -> str:
        """A table in a code block: mrkdwn has none, and columns stay readable."""
        table: list[list[str]] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token.type == "table_close":
                break
            if token.type == "tr_open":
                table.append([])
            elif token.type == "inline" and table:
                table[-1].append(_plain(token.children or []))
        widths = [
            max((len(row[i]) for row in table if i < len(row)), default=0)
            for i in range(max((len(row) for row in table), default=0))
        ]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
            for row in table
        ]
        return code_block("\n".join(lines))


_MARKS = {"strong_open": "*", "strong_close": "*", "em_open": "_", "em_close": "_"}
_MARKS |= {"s_open": "~", "s_close": "~"}


def _inline(children: Sequence[Token]) -> str:
    out: list[str] = []
    at = 0
    while at < len(children):
        token = children[at]
        if token.type == "link_open":
            end = _closing(children, at)
            out.append(link(str(token.attrs.get("href", "")), _plain(children[at + 1 : end])))
            at = end
        elif token.type == "image":
            out.append(link(str(token.attrs.get("src", "")), token.content or "image"))
        elif token.type == "code_inline":
            out.append("`" + escape(token.content).replace("`", "ˋ") + "`")
        elif token.type in ("softbreak", "hardbreak"):
            out.append("\n")
        elif token.type in _MARKS:
            out.append(_MARKS[token.type])
        else:
            out.append(_linked(token.content))
        at += 1
    return "".join(out)


def _closing(children: Sequence[Token], at: int) -> int:
    for end in range(at + 1, len(children)):
        if children[end].type == "link_close":
            return end
    return len(children)


def _plain(children: Sequence[Token]) -> str:
    return "".join(" " if t.type in ("softbreak", "hardbreak") else t.content for t in children)


def _linked(words: str) -> str:
    """Escaped text in which bare addresses are links to just what they say."""
    out: list[str] = []
    last = 0
    for match in _BARE_LINK.finditer(words):
        out += [escape(words[last : match.start()]), link(match.group(), match.group())]
        last = match.end()
    return "".join([*out, escape(words[last:])])


def _bold(text: str) -> str:
    return text if text.startswith("*") and text.endswith("*") else f"*{text}*"
