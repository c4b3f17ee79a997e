"""Markdown of the site's own files as HTML: nothing but text, lists, tables and links comes through."""

from __future__ import annotations

from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML

_LINKS = ("https://", "http://", "mailto:", "tel:", "#")


def html(text: str, *, top: int = 3) -> str:
    """HTML of Markdown. HTML in it is shown as text; pictures are their description; links lead to the web,
    to mail, or within the page.

    top : level of the heading that ``#`` gives.
    """
    return str(_parser().render(text, {"top": top})).strip()


def plain(text: str) -> str:
    """The words alone, in one line."""
    words: list[str] = []
    for block in _parser().parse(text):
        words += [token.content for token in block.children or () if token.content]
    return " ".join(" ".join(words).split())


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False}, renderer_cls=_Renderer)
    parser.enable("table").disable("html_inline").disable("html_block")
    parser.validateLink = lambda url: url.strip().lower().startswith(_LINKS)  # type: ignore[method-assign]
    return parser


class _Renderer(RendererHTML):
    """Headings below the page's own; no picture is loaded; a link to elsewhere tells nobody where from."""

    def heading_open(self, tokens: Any, index: int, options: Any, env: Any) -> str:
        return f"<{_heading(tokens[index].tag, env)}>"

    def heading_close(self, tokens: Any, index: int, options: Any, env: Any) -> str:
        return f"</{_heading(tokens[index].tag, env)}>\n"

    def link_open(self, tokens: Any, index: int, options: Any, env: Any) -> str:
        if not str(tokens[index].attrGet("href")).startswith("#"):
            tokens[index].attrSet("rel", "noopener noreferrer")
        return str(self.renderToken(tokens, index, options, env))

    def image(self, tokens: Any, index: int, options: Any, env: Any) -> str:
        return str(self.renderInlineAsText(tokens[index].children or [], options, env))


def _heading(tag: str, env: Any) -> str:
    return f"h{min(int(tag[1:]) + env['top'] - 1, 6)}"
