"""Narrative: XHTML that a browser may show as it is: only what formats text gets in (FHIR R4, narrative: txt-1, txt-2).

Strict on purpose: what two parsers might read differently (comments with tags in them, unquoted attributes) is refused.
"""

import re
from html import unescape
from typing import Any

from services.records.edges.fhir.bindings import words
from services.records.edges.fhir.primitives import Fault, text

_ELEMENTS = words(
    "a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img"
    " li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var"
)
_ATTRIBUTES = words(
    "abbr accesskey align alt axis bgcolor border cellpadding cellspacing char charoff charset cite class colspan"
    " compact coords dir frame headers height href hreflang hspace id lang longdesc name noshade nowrap rel rev"
    " rowspan rules scope shape size span src start style summary tabindex title type valign value vspace width"
    " xml:lang xml:space xmlns"
)
_SCHEMES = frozenset({"http", "https", "mailto", "tel", "urn", "cid"})

_TAG = re.compile(r"""<(/?)([A-Za-z][A-Za-z0-9:]*)((?:\s+[A-Za-z_:][\w:.-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(/?)>""")
_ATTRIBUTE = re.compile(r"""([A-Za-z_:][\w:.-]*)\s*=\s*("[^"]*"|'[^']*')""")
_COMMENT = re.compile(r"<!--[^<>]*-->")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):")
_UNSEEN = re.compile(r"[\x00-\x20\x7f-\xa0\u2000-\u200f\u2028\u2029\ufeff]+")

_DIV = Fault("must be one XHTML `div` with its content")
_FORMAT = Fault("must hold only XHTML that formats text, its elements closed", "invariant")
_BLANK = Fault("must have some text or an image", "invariant")


def xhtml(value: Any) -> Fault | None:
    """One well-formed `div` of formatting elements, with content; no script, no form, no event handler."""
    fault = text(value)
    if fault:
        return fault
    content = _COMMENT.sub("", value).strip()
    tags = list(_TAG.finditer(content))
    if not tags or tags[0][2] != "div" or tags[0].start() or tags[-1].end() < len(content):
        return _DIV
    if not _nested(tags) or not all(_harmless(tag) for tag in tags):
        return _FORMAT
    words = _TAG.sub(" ", content)
    if "<" in words:
        return _FORMAT
    return None if words.strip() or "<img" in content else _BLANK


def _nested(tags: list[re.Match[str]]) -> bool:
    """Each element is closed inside the one that it was opened in, and the first holds all others."""
    opened: list[str] = []
    for position, (closing, name, _, alone) in enumerate(tag.groups() for tag in tags):
        if position and not opened:
            return False
        if closing and (not opened or opened.pop() != name):
            return False
        if not closing and not alone:
            opened.append(name)
    return not opened


def _harmless(tag: re.Match[str]) -> bool:
    return tag[2] in _ELEMENTS and all(
        name in _ATTRIBUTES and (name not in {"href", "src", "cite", "longdesc"} or _leads_nowhere_odd(value[1:-1]))
        for name, value in _ATTRIBUTE.findall(tag[3])
    )


def _leads_nowhere_odd(address: str) -> bool:
    """A relative address, one of a few schemes, or an image in itself; entities are undone first, as browsers do."""
    plain = _UNSEEN.sub("", unescape(address)).lower()
    scheme = _SCHEME.match(plain)
    return scheme is None or scheme[1] in _SCHEMES or plain.startswith("data:image/")
