"""Chooses one of the language variants in wikitext: `-{zh-hans:计算机;zh-hant:電腦}-`.

Text outside `-{...}-` is not converted: it keeps the characters that its authors chose. Rules that
only configure MediaWiki's converter (flags `H`, `T`, `-`, `+`) display nothing. `D` displays its
rules as a list, `N` the name of a variant, `R` its text unchanged.
"""

import re
from dataclasses import dataclass

from xlm.corpus.wikipedia.markup.opaque import opaque_spans

VARIANT_LANGUAGES = frozenset(
    ("zh", "gan", "wuu", "sr", "sh", "kk", "ku", "tg", "uz", "iu", "crh", "shi", "ban", "tly")
)
"""Wikis with a converter that interprets `-{...}-`; elsewhere it is text."""

_SIMPLIFIED = ("zh-hans", "zh-cn", "zh-sg", "zh-my")
_TRADITIONAL = ("zh-hant", "zh-tw", "zh-hk", "zh-mo")
_OTHER_CHAINS = {"zh-hk": ("zh-hant", "zh-mo", "zh-tw"), "zh-mo": ("zh-hant", "zh-hk", "zh-tw")}
_NAMES = {
    "zh": "不转换", "zh-hans": "简体", "zh-hant": "繁體", "zh-cn": "大陆简体", "zh-tw": "臺灣正體",
    "zh-hk": "香港繁體", "zh-mo": "澳門繁體", "zh-sg": "新加坡简体", "zh-my": "大马简体",
    "sr-ec": "Ћирилица", "sr-el": "Latinica",
}  # fmt: skip
"""Names of variants on their wikis; without a name here the code is used."""
_CODE = r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,2}"
# Braces of templates are not marks: `-{{t}}`, `{{t}}-`; `-{{{t}}}-` is a template in `-{...}-`.
_MARK = re.compile(r"-\{(?!\{)|-\{(?=\{\{)|(?<!\})\}-|(?<=\}\})\}-")
_FLAG = re.compile(rf"\s*(?:[A-Z+-]|{_CODE})?\s*", re.ASCII | re.IGNORECASE)
_MAX_FLAGS_CHARACTERS = 200
_MAX_DEPTH = 10
"""The limit of MediaWiki; it also bounds the time."""
_HIDDEN = frozenset("HT-+")
_RULE_END = re.compile(rf";(?=\s*(?:[^;:|]*=>\s*)?{_CODE}\s*:|\s*$)", re.ASCII | re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_RULE = re.compile(
    rf"\s*(?:([^;:|]*)=>\s*)?({_CODE})\s*:(.*)", re.ASCII | re.IGNORECASE | re.DOTALL
)


def choose_variants(text: str, variant: str) -> str:
    """Replace each `-{...}-`, innermost first; one without an end stays unchanged."""
    chooser = _Chooser(variant)
    done = 0
    for start, end in opaque_spans(text):
        chooser.read(text[done:start])
        chooser.keep(text[start:end])
        done = end
    chooser.read(text[done:])
    return chooser.result()


class _Chooser:
    """Replaces `-{...}-` with a stack of the open `-{`."""

    def __init__(self, variant: str) -> None:
        self._variant = variant
        self._open: list[list[str]] = [[]]

    def keep(self, text: str) -> None:
        """Append text that is not interpreted."""
        self._open[-1].append(text)

    def read(self, text: str) -> None:
        """Append wikitext."""
        done = 0
        for mark in _MARK.finditer(text):
            self.keep(text[done : mark.start()])
            done = mark.end()
            if mark[0] == "-{" and len(self._open) <= _MAX_DEPTH:
                self._open.append([])
            elif mark[0] == "}-" and len(self._open) > 1:
                self.keep(_shown("".join(self._open.pop()), self._variant))
            else:
                self.keep(mark[0])
        self.keep(text[done:])

    def result(self) -> str:
        """The text with chosen variants."""
        return "-{".join("".join(parts) for parts in self._open)


def _shown(content: str, variant: str) -> str:
    content = _COMMENT.sub("", content)
    flags = _flags(content)
    if flags is not None:
        content = content.partition("|")[2]
        if "R" in flags:
            return content
        if "N" in flags:
            return _NAMES.get(content.strip().lower(), "")
        if flags & _HIDDEN and ("-" in flags or "D" not in flags):
            return ""
    rules = _rules(content)
    if not rules:
        return content
    if flags is not None and "D" in flags:
        return "".join(map(str, rules))
    texts = {rule.code: rule.text for rule in rules}
    return next((texts[code] for code in _chain(variant) if code in texts), rules[0].text)


@dataclass(frozen=True)
class _Rule:
    """`zh-hans:计算机`, or, one way only, `電腦=>zh-hans:计算机`."""

    source: str
    code: str
    text: str

    def __str__(self) -> str:
        """As the flag `D` displays it."""
        source = f"{self.source}⇒" if self.source else ""
        return f"{source}{_NAMES.get(self.code, self.code)}：{self.text}；"


def _rules(content: str) -> list[_Rule]:
    """The rules in order; empty if there is other text among them."""
    rules = []
    for piece in _RULE_END.split(content):
        if rule := _RULE.fullmatch(piece):
            rules.append(_Rule((rule[1] or "").strip(), rule[2].lower(), rule[3].strip()))
        elif piece.strip():
            return []
    return rules


def _flags(content: str) -> set[str] | None:
    """The flags before the first `|`; None if there are none. Unknown flags are ignored later."""
    before, bar, _ = content[:_MAX_FLAGS_CHARACTERS].partition("|")
    flags = before.split(";")
    if not bar or not all(_FLAG.fullmatch(flag) for flag in flags):
        return None
    return {flag.strip() for flag in flags}


def _chain(variant: str) -> tuple[str, ...]:
    """The codes to try, best first, in MediaWiki's order of fallbacks."""
    family = next((f for f in (_SIMPLIFIED, _TRADITIONAL) if variant in f), ())
    return (variant, *_OTHER_CHAINS.get(variant, family), variant.split("-")[0])
