"""Random wikitext: nested, broken and hostile, the same for a seed on every machine."""

_WORDS = ("word", "Two", "12", "é", "日本", "x.y", "a b")
_ALL_MARKS = (
    "{{ }} {{{ }}} [[ ]] [ ] {| |} | '' ''' ''''' <ref> </ref> <ref/> <b> </b> <small> </small> "
    "<math> </math> <code> </code> <!-- --> <br> <p> </p> < > \" ' = == === : * # ; & &lt; &amp; "
    "&nbsp; . , ( ) [http://x.y // - / ! ? {{lc: {{#if: {{uc: [[A| [[File:a| <ref <span </span> "
    '<table> </table> <gallery> </gallery> » « ... .... ++ __NOTOC__ __OTHER__ -{ }- "'
)
_MARKS = _ALL_MARKS.split()
_SPACES = (" ", " ", " ", "\n", "\n\n", "\t", "  ")
_PAIRS = (
    ("{{T|", "}}"), ("{{lc:", "}}"), ("{{#if:x|", "|no}}"), ("[[A|", "]]"), ("[[", "]]"),
    ("[[File:A|thumb|", "]]"), ("[http://a.b ", "]"), ("'''", "'''"), ("''", "''"),
    ("<ref>", "</ref>"), ('<ref name="a>b">', "</ref>"), ("<small>", "</small>"), ("<b>", "</b>"),
    ("<!--", "-->"), ("\n{| a\n| b\n", "\n|}\n"), ("\n== ", " ==\n"), ("\n* ", "\n"), ("\n:", "\n"),
    ("<p>", "</p>"), ("{{{", "}}}"), ("[[", "]"),
)  # fmt: skip


def random_page(rng):
    """One page: marks in any order, or pairs that nest and sometimes break."""
    if rng.random() < 0.5:
        choices = (_MARKS, _MARKS, _WORDS, _SPACES)
        return "".join(rng.choice(rng.choice(choices)) for _ in range(rng.randint(3, 50)))
    return _nested(rng, rng.randint(1, 4))


def _nested(rng, depth):
    parts = []
    for _ in range(rng.randint(1, 5)):
        if depth == 0 or rng.random() < 0.4:
            parts.append(rng.choice(rng.choice((_WORDS, _SPACES, _SPACES, _MARKS))))
            continue
        opening, closing = rng.choice(_PAIRS)
        inside = _nested(rng, depth - 1)
        broken = rng.random()
        parts += (opening if broken > 0.1 else "", inside, closing if broken < 0.9 else "")
    return "".join(parts)
