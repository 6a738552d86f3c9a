"""Nothing inside formulas, code and `<nowiki>` opens a tag, a template or a link."""

import time
from xml.sax.saxutils import escape

import pytest

from tests.corpus.wikipedia.dumps import page, run_extract, text_of, write_dump
from tests.growth import assert_linear
from xlm.corpus.wikipedia.markup.prepare import Preparation
from xlm.corpus.wikipedia.markup.verbatim import (
    escape_false_tags,
    mark_decoded_tags,
    protect_verbatim,
)

_KEPT = {
    "a <code>x<b</code> tail <b>bold</b> z": "a codice_1 tail bold z",
    "a <math>x<s</math> tail <s>old</s> z": "a formula_1 tail old z",
    "a <math>x<big</math> b <math>{{t</math> c }} z": "a formula_1 b formula_2 c }} z",
    "a <math>x</math> <math>x</math> <math>[[y</math> z": "a formula_1 formula_1 formula_3 z",
    "{{t|<math>x</math>}}a <math>y</math> z": "a formula_1 z",
    "a <code>b<nowiki></code></nowiki>c</code> z": "a codice_1 z",
    "a <nowiki>x<b</nowiki> b <nowiki><ref></nowiki> z": "a x<b b <ref> z",
    "a <nowiki>{{t}}</nowiki>, b <nowiki>{{t}}</nowiki> z": "a, b z",
    "a <nowiki>{{x</nowiki> b }} c {{t}} z": "a {{x b }} c z",
    "a <nowiki>\n* b</nowiki> z": "a\n* b z",
    "<nowiki>*</nowiki> marks <nowiki>{1, 2}</nowiki>": "* marks {1, 2}",
    "<nowiki>== h ==</nowiki> z": "== h == z",
    "a <nowiki>}}\n| b\n|}</nowiki> z": "a }}\n| b\n|} z",
    "a <syntaxhighlight lang=c inline>{ }</syntaxhighlight>": "a { }",
    "a <nowiki>[[x</nowiki> b [[c]] z": "a [[x b c z",
    "a <nowiki><code></nowiki> b <nowiki></code></nowiki> z": "a <code> b </code> z",
    "a <pre>x<b {{ <nowiki></pre> b z": "a b z",
    "a <source lang=c>x<b</source> b z": "a b z",
    "a <syntaxhighlight>x<b && [[y</syntaxhighlight> b z": "a x<b && [[y b z",
    "a <SyntaxHighlight lang=html>x<b>y</b> &lt; {{t</SyntaxHighlight> z": (
        "a x<b>y</b> &lt; {{t z"
    ),
    "a <syntaxhighlight lang=html><code>x</code></syntaxhighlight> z": "a <code>x</code> z",
    "a &lt;code>x&lt;/code> &#60;math>y&#x3C;/math> z": "a <code>x</code> <math>y</math> z",
    "a 3<b and 5<c d <tt>x<b</tt> <b>x<i</b> z": "a 3<b and 5<c d x<b x<i z",
    "a <ref name='x<y'>gone</ref> b<ref>i<b</ref> z": "a b z",
    "a <chem>x<b</chem> <kbd>y<s</kbd> <gallery>q<b</gallery> z": "a x<b y<s z",
    "a <math>never closed z": "a <math>never closed z",
}


@pytest.mark.slow
def test_text_after_verbatim_content_stays(make_context, tmp_path, engine):
    pages = [page(n, f"T{n}", escape(f"{text}\n\nAfter.")) for n, text in enumerate(_KEPT, 1)]
    write_dump(tmp_path / "in", "".join(pages))
    context, _ = run_extract(make_context, tmp_path / "in", engine)
    lines = [" ".join(line.split()) for line in text_of(context.out).splitlines()]
    expected = [
        line
        for n, text in enumerate(_KEPT.values(), 1)
        for line in (f"T{n}", *text.split("\n"), "After.")
    ]
    assert lines == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a<b</i>", "a&lt;b</i>"),
        ("a<b>c</b> 3 < 4 <5", "a<b>c</b> 3 < 4 <5"),
        ("<b <!-- c --> d>", "<b <!-- c --> d>"),
        ("<b <!-- c --> <i>", "&lt;b <!-- c --> <i>"),
        ("<b <!-- c", "&lt;b <!-- c"),
        ('<ref name="a<b">', '<ref name="a<b">'),
        ("<b", "<b"),
    ],
)
def test_only_false_tags_are_escaped(text, expected):
    assert escape_false_tags(text) == expected


def test_marks_are_only_where_a_tag_could_appear():
    untouched = "a &lt; 2 3 &lt;4 &gt; &amp; <b>c</b> x < 4 &lt;"
    assert mark_decoded_tags(untouched) == untouched
    marked = mark_decoded_tags("&lt;b &#060;/ b &#x3c;&#98; < code> <&#99;ode>")
    assert marked.count("\ufdd0") == 5


@pytest.mark.slow
def test_much_code_takes_linear_time_and_keeps_its_numbers(make_context, tmp_path, engine):
    """wikiextractor alone would scan the page 40,000 times."""
    same = "<code>x</code> " * 20_000 + "<code>y</code>"
    other = "".join(f"<math>{n}</math> " for n in range(20_000))
    write_dump(tmp_path / "in", page(1, "One", escape(same)) + page(2, "Two", escape(other)))
    started = time.process_time()
    context, result = run_extract(make_context, tmp_path / "in", engine, timeout_seconds=60)
    assert time.process_time() - started < 10
    assert result.measured["cpu_seconds"] < 10
    _, one, _, two = text_of(context.out).splitlines()
    assert one.split() == ["codice_1"] * 20_000 + ["codice_20001"]
    assert two.split() == [f"formula_{n}" for n in range(1, 20_001)]


_MOST = 24_000
_LONG = {
    "escaped in nowiki": lambda n: "<nowiki>" + "&lt;code>" * n + "</nowiki>",
    "code and nowiki": lambda n: "<code><nowiki></code>" * n + "</nowiki>",
    "escaped code": lambda n: "&lt;code>" * n,
    "code after spaces": lambda n: "< code>" * n,
    "false tags": lambda n: "<b" * n + "<",
    "false tags and comments": lambda n: "<!-- <b<!-- -->" * n,
    "long names": lambda n: ("<" + "a" * 200 + " " * 200 + ">") * (n // 130),
    "one long name": lambda n: "<" + "a" * n + " " * n + ">",
    "variants": lambda n: "-{a" * n + "}-" * n,
    "rules": lambda n: "-{" + "zh-hans:a;" * n + "}-",
    "arrows": lambda n: "-{" + "a=>" * n + "}-",
    "rows": lambda n: " | a || b\n" * n,
    "rows in templates": lambda n: "{{\n | a || b\n}}" * n,
    "rows in tables": lambda n: "{|\n | a\n" * n + "|}\n" * n,
    "code among rows": lambda n: "<code>x</code>\n ! a\n" * n,
    "references": lambda n: "<ref>" * n,
    "links": lambda n: "[[" * n,
    "spaces": lambda n: "\n |" + " " * n + "\n !" + " " * n,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", _LONG)
def test_preparation_is_linear_in_hostile_pages(name):
    preparation = Preparation("zh", "20261101", "zh-hans", templates=False)
    pages = {n: page(1, "T", escape(_LONG[name](n))).encode() for n in (_MOST // 8, _MOST)}
    assert_linear(lambda count: preparation.page(pages[count], article=True), _MOST)


@pytest.mark.slow
def test_escaped_tags_take_no_longer_than_text(make_context, tmp_path, engine):
    texts = ["&lt;code>" * 20_000, "<nowiki>&#60;code></nowiki>" * 10_000, "< math>" * 20_000]
    write_dump(
        tmp_path / "in", "".join(page(n, f"T{n}", escape(t)) for n, t in enumerate(texts, 1))
    )
    started = time.process_time()
    _, result = run_extract(make_context, tmp_path / "in", engine, timeout_seconds=60)
    assert (result.measured["cpu_seconds"] or time.process_time() - started) < 15
    assert result.counts["documents"] == 3


@pytest.mark.slow
def test_text_that_a_removed_tag_joins_is_checked_too():
    content = page(1, "T", escape("<!<wbr>--" * 50_000)).encode()
    prepared = Preparation("en", "20261101", "zh-hans", templates=False).page(content, article=True)
    assert prepared.drop_reason == "comments that never end"


def test_text_without_verbatim_content_stays_the_same_object():
    text = "a <b>c</b> <!-- <math>x</math> --> <code/>"
    assert protect_verbatim(text) is text
