"""Rules for tags, variants, date words and header rows that wikiextractor gets wrong."""

from xml.sax.saxutils import escape

import pytest

from tests.corpus.wikipedia.dumps import documents_of, page, text_of, write_dump
from xlm.config.data.extract import ExtractWikiSlice
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.corpus.wikipedia.markup.date_names import date_names
from xlm.corpus.wikipedia.markup.dates import replace_date_words
from xlm.corpus.wikipedia.markup.prepare import date_in_name
from xlm.corpus.wikipedia.markup.rows import remove_rows
from xlm.corpus.wikipedia.markup.tags import remove_tags
from xlm.corpus.wikipedia.markup.variants import choose_variants
from xlm.stages.data.extract_wiki import run


def _lines(make_context, engine, folder, text, language="en", **config):
    write_dump(folder, page(1, "T", escape(text)))
    context = make_context(
        ExtractWikiSlice(language=language, engine=engine, **config), language, dump=folder
    )
    run(context)
    return [" ".join(x.split()) for x in text_of(context.out).split("\n")[1:-1]]


@pytest.mark.slow
@pytest.mark.parametrize("case", ["escapes", "tags", "table_rows", "variants.zh"])
def test_known_cases(shared, make_context, tmp_path, case, engine):
    folder = shared / "cases" / "wiki"
    text = (folder / f"{case}.wikitext").read_text("utf-8").removesuffix("\n")
    lines = _lines(make_context, engine, tmp_path / "in", text, "zh" if "zh" in case else "en")
    expected = (folder / f"{case}.expected.txt").read_text("utf-8").splitlines()
    assert lines == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a <chem>H2O</chem> b", "a H2O b"),
        ("<CE >x</cE> <ce/>y", "x y"),
        ("<ruby>漢<rb>字</rb><rp>(</rp><rt>kan</rt><rp>)</rp></ruby>", "漢字"),
        ("a<rt>gone", "agone"),
        ("<maplink text=here zoom=3>{}</maplink> <maplink text=there/>", "here there"),
        ("<ruby>漢<rt>kan</ruby>a", "漢a"),
        ("<ruby>漢<rp>(<rt>kan<rp>)</ruby> <rt>x", "漢 x"),
        ("<ruby><rb>旧<rb>金<rt>jiù<rt>jīn<rtc>Old<rt>x</ruby>z", "旧金z"),
        ("<score sound=1>c <b>d</b> e</score>z", "z"),
        ("<score>a</score>b<score>c</score>d", "bd"),
        ("<maplink text='here' zoom=3>{}</maplink> x", "here x"),
        ('<mapframe />x<graph>{"a": 1}</graph>', "x"),
        ("<onlyinclude>a</onlyinclude><includeonly>b</includeonly><noinclude>c</noinclude>", "ac"),
        ("<section begin=a/>b<section end=a/>", "b"),
        ("<templatestyles src=x />b <del>c</del> <ins>d</ins> <q>e</q>", "b c d e"),
        ("<nowiki><chem>x</chem></nowiki>", "<nowiki><chem>x</chem></nowiki>"),
        ("<pre><ce>x</ce></pre> <ce>y</ce>", "<pre><ce>x</ce></pre> y"),
        ("<code><ce>x</ce></code><!-- <ce> --><math><ce>x</ce></math>",) * 2,
        ("<nowiki/><ce>x</ce>", "<nowiki/>x"),
        ("1 <cell> 2 <cent> <unknown>x</unknown>",) * 2,
        ("x < y <ce", "x < y <ce"),
        ("<syntaxhighlight lang=c>a<ce>b</ce></syntaxhighlight>",) * 2,
        ("<code/>a<gallery/>b<ref name=x/>", "ab<ref name=x/>"),
    ],
)
def test_tags(text, expected):
    assert remove_tags(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a-{b}-c", "abc"),
        ("-{zh-hans:简;zh-hant:繁}-", "简"),
        ("-{zh-cn:中国;zh-tw:台灣;}-", "中国"),
        ("-{zh-tw:台灣;zh-sg:新}-", "新"),
        ("-{zh-tw:台;zh-hk:港}-", "台"),
        ("-{A|zh-hans:甲;zh-hant:乙}-", "甲"),
        ("x-{H|zh-cn:a;zh-tw:b}-y-{T|zh-cn:t}-z-{-|zh-cn:c}-", "xyz"),
        ("-{R|zh-cn:raw}-", "zh-cn:raw"),
        ("-{zh-hans;zh-hant|text}-", "text"),
        ("-{zh-cn:a&b; c;zh-tw:d}-", "a&b; c"),
        ("-{zh:中;zh-tw:台}-", "中"),
        ("-{電腦=>zh-cn:计算机;電腦=>zh-tw:電腦}-", "计算机"),
        ("-{x-{zh-cn:y;zh-tw:c}-z}-", "xyz"),
        ("-{zh-cn:[[甲|乙]];zh-tw:[[丙]]}-", "[[甲|乙]]"),
        ("-{http://a.b}-", "http://a.b"),
        ("-{open", "-{open"),
        ("shut}- x", "shut}- x"),
        ("-{{t}} x", "-{{t}} x"),
        ("-{}-", ""),
        ("-{zh-Hans:计;ZH-HANT:電}-", "计"),
        ("-{ ZH-cn : 计 ; Zh-Tw : 電 ; }-", "计"),
        ("-{A|zh-Hans:甲;zh-Hant:乙}-", "甲"),
        ("-{N|zh-cn}- -{ N | Zh-Hant }--{N|qq}-", "大陆简体 繁體"),
        ("-{D|zh-hans:车;zh-Hant:車;}-", "简体：车；繁體：車；"),
        ("-{D|電腦=>zh-cn:计算机}-", "電腦⇒大陆简体：计算机；"),
        ("a-{ H ; T |zh-Cn:x}--{+|zh-cn:y}--{-|zh-cn:z}-b", "ab"),
        ("-{h|zh-cn:a}- -{|b}-", "a b"),
        ("-{zh-hans:x-{zh-Hans:y;zh-Hant:c}-z;zh-hant:e}-", "xyz"),
        ("-{H|a-{zh-cn:x}-b}-c", "c"),
        ("-{zh-hans:{{t}}-x;zh-hant:b}-", "{{t}}-x"),
        ("-{{{t}}}- {{t}}- x", "{{t}} {{t}}- x"),
    ],
)
def test_variants(text, expected):
    assert choose_variants(text, "zh-hans") == expected


@pytest.mark.slow
def test_another_variant_and_another_language(make_context, tmp_path, engine):
    text = "-{zh-hans:简;zh-hant:繁;zh-tw:台}-"
    assert choose_variants(text, "zh-tw") == "台"
    assert choose_variants(text, "zh-hk") == "繁"
    assert choose_variants("-{zh-tw:台;zh-mo:澳}-", "zh-hk") == "澳"
    assert choose_variants("-{N|sr-ec}-", "sr-el") == "Ћирилица"
    assert choose_variants("-{sr-ec:а;sr-el:b}-", "sr-el") == "b"
    assert choose_variants("-{sr-ec:а;sr-el:b}-", "zh-hans") == "а"
    assert _lines(make_context, engine, tmp_path / "in", text) == [text]
    assert _lines(make_context, engine, tmp_path / "in", text, "zh", variant="original") == [text]
    assert _lines(make_context, engine, tmp_path / "in", f"<nowiki>{text}</nowiki>", "zh") == [text]


def test_date_words_use_the_date_of_the_dump(make_context, tmp_path, engine):
    text = (
        "{{CURRENTYEAR}} {{LOCALMONTH}}-{{currentmonth}} {{CURRENTDAY}} {{LOCALDAY2}} "
        "{{ CURRENTTIME }} {{CURRENTDOW}} {{CURRENTWEEK}} {{LOCALTIMESTAMP}} "
        "{{#expr:{{CURRENTYEAR}}-1}} {{subst:CURRENTHOUR}} "
        "{{#if:{{CURRENTDAY}}|{{CURRENTMONTH1}}|no}} "
        "{{ {{lc:X}}CURRENTYEAR}}{{CURRENT{{uc:year}}}}{{CurrentYear}} "
        "<nowiki>{{CURRENTTIME}}</nowiki> {{#time:Y}}end"
    )
    assert _lines(make_context, engine, tmp_path / "in", text) == [
        "2026 11- 1 01 00:00 0 44 20261101000000 2025 00 11 00:00 end"
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "November November Nov Sunday"),
        ("de", "November November  Sonntag"),
        ("ru", "ноябрь ноября  воскресенье"),
        ("el", "Νοέμβριος Νοεμβρίου  Κυριακή"),
        ("vi", "tháng 11 tháng 11  Chủ nhật"),
        ("zh", "11月 11月  星期日"),
        ("it", ""),
    ],
)
def test_months_and_days_have_localised_names(make_context, tmp_path, language, expected, engine):
    text = (
        "a {{CURRENTMONTHNAME}} {{LOCALMONTHNAMEGEN}} {{CURRENTMONTHABBREV}} {{subst:LOCALDAYNAME}}"
        "{{currentmonthname}}."
    )
    (line,) = _lines(make_context, engine, tmp_path / "in", text, language)
    assert line == " ".join(f"a {expected}".split()) + "."


@pytest.mark.parametrize("language", XNLI_LANGUAGES)
def test_every_language_of_the_paper_has_all_names(language):
    years = [date_names(language, month, 0) for month in range(1, 13)]
    week = [date_names(language, 1, day) for day in range(7)]
    for name in ("MONTHNAME", "MONTHNAMEGEN"):
        assert len({year[name] for year in years}) == 12
    assert len({day["DAYNAME"] for day in week}) == 7


@pytest.mark.slow
def test_an_undated_dump_uses_the_date_of_the_revision(make_context, tmp_path, engine):
    article = page(1, "T", "In {{CURRENTYEAR}} {{CURRENTDAY}}.").replace(
        "<model>", "<timestamp>2019-03-07T01:02:03Z</timestamp>\n<model>"
    )
    path = write_dump(tmp_path / "in", article)
    path.rename(path.with_name("enwiki.xml.bz2"))
    context = make_context(
        ExtractWikiSlice(language="en", engine=engine), "en", dump=tmp_path / "in"
    )
    run(context)
    assert text_of(context.out) == "T\nIn 2019 7.\n"
    assert date_in_name("enwiki.xml.bz2") is date_in_name("enwiki-20269901-x.xml.bz2") is None


def test_templates_keep_computed_names():
    text = "{{ {{{1|x}}}}} {{CURRENTYEAR}}"
    assert (
        replace_date_words(text, "20261101", "en", disable_computed_names=False)
        == "{{ {{{1|x}}}}} 2026"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n! b || c\n|-\n| d\ne", "a\n|-\n| d\ne"),
        ("{{t}}\n! b !! c\n{{e}}\nd", "{{t}}\n\n{{e}}\nd"),
        ("a\n! b\nc", "a\n! b\nc"),
        ("! Kung\nis a people", "! Kung\nis a people"),
        ("{{t}}\n! b\nc", "{{t}}\n! b\nc"),
        ("{{t}}\n ! Year || Title\n |-\n | 1 || 2\n | 3\n |}\nb", "{{t}}\n\nb"),
        ("a\n! Year || Title\nb", "a\n\nb"),
        ("{{t}}\n\t| 1\n\t| 2\n{{e}}", "{{t}}\n\n{{e}}"),
        ("a\n |+ Caption\n ! x\n | y\nb", "a\n\nb"),
        ("a\n | scope=row | x\nb", "a\n\nb"),
        ("{{{!}} class=x\n ! a !! b\n | c\n |}\nd", "{{{!}} class=x\n\nd"),
        ("a\n | a line of prose\nb", "a\n | a line of prose\nb"),
        ("a\n ||x|| is a norm\nb", "a\n ||x|| is a norm\nb"),
        ("{|\n ! a || b\n |-\n | c || d\n |}\ne",) * 2,
        ("{{t\n | a = 1 || 2\n | b = {{c}}\n }}\nd",) * 2,
        ("[[File:x.jpg|thumb\n | a || b]]\nc",) * 2,
        ("a {{\n | b || c\nd", "a {{\n\nd"),
        ("{{t}}\n!Year\n!Team\n{{row}}", "{{t}}\n\n{{row}}"),
        ("{{t}}\n!Year\n{{row}}", "{{t}}\n\n{{row}}"),
        ("a\n! id=x | Name\n! data-sort-type=number | Age\nb", "a\n\nb"),
        ("{{t}}\n!Kung live here.<ref>x</ref>\n{{t}}",) * 2,
        ("{{t}}\n! a <!-- c -->\n|-\n{{t}}", "{{t}}\n|-\n{{t}}"),
        ("{{t}}\n! <code>a</code> || <math>b</math>\n{{t}}", "{{t}}\n\n{{t}}"),
        ("<!-- {{t}}\n! a\n-->! b !! c\n{{t}}",) * 2,
        ("{| \n ! a !! b\nc", "{| \n\nc"),
    ],
)
def test_rows_of_tables(text, expected):
    assert remove_rows(text) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{table start}}\n ! a !! b\n{{end}}", ["Z"]),
        ('{{s}}<br>\n! scope="col" | Year\ncell\n{{e}}', ["cell", "Z"]),
        ("{{infobox}}\n!Kung people live here.\n{{stub}}", ["!Kung people live here.", "Z"]),
        ("!!! is a band.\n!Hola!!", ["!!! is a band.", "!Hola!!", "Z"]),
        ("<pre>\n! x !! y\n</pre>!Kung", ["!Kung", "Z"]),
        (
            "{{CURRENT<onlyinclude></onlyinclude>TIME}} {{CURRENT<wbr>TIME}}",
            ["00:00 00:00", "Z"],
        ),
    ],
)
def test_rows_prose_and_words_that_tags_complete(make_context, tmp_path, text, expected, engine):
    assert _lines(make_context, engine, tmp_path / "in", text + "\nZ") == expected


def test_header_rows_between_much_code_take_linear_time():
    text = "<code>x</code>\n! a\n" * 20_000
    assert remove_rows(text) == text


def test_a_comment_inside_a_variant_is_ignored():
    assert choose_variants("-{<!-- c -->zh-hans:a;zh-hant:b}-", "zh-hans") == "a"


@pytest.mark.slow
def test_escapes_of_html5_and_of_titles_are_decoded(make_context, tmp_path, engine):
    text = (
        "It&apos;s &lbrace;x&rbrace; &check; &LT;b&GT; &amp;apos; &NotEqualTilde; a&bogus; &nbsp;"
        "<nowiki>&apos;</nowiki> [[a|b&comma;]]&NewLine;* c&#10;# d&#xD;"
        "<syntaxhighlight>&apos;</syntaxhighlight>"
    )
    title = "A &amp;amp; B&amp;#39;s &amp;LT; &amp;copy R&amp;B;"
    write_dump(tmp_path / "in", page(1, title, escape(text)))
    context = make_context(
        ExtractWikiSlice(language="en", engine=engine, documents=True), "en", dump=tmp_path / "in"
    )
    run(context)
    name, line = text_of(context.out).splitlines()
    assert name == "A & B's < &copy R&B;"
    assert " ".join(line.split()) == ("It's {x} ✓ <b> &apos; ≂̸ a&bogus; ' b, * c # d &apos;")
    assert documents_of(context.out)[0]["title"] == name
