"""Seeded rows that are hard to tokenize: what ports of the original tools get wrong, and noise.

Five ways to make a row, mixed: running text with odd signs and spaces, soups of a few characters
(most rules meet where two signs and a space do), dense runs of tokens with a trap in them, random
code points of all planes, and rows of the others with characters dropped, doubled or moved.
"""

import random
import unicodedata
from collections.abc import Callable, Sequence

WORDS = {
    "ar": "في من العربية إلى أنّ الْقُرْآن مـدرسة آخر السّبت",
    "bg": "и на България г. ул. й Ѝ ще бъде България-то",
    "de": "und z.B Straße Dr Nr d.h Übung ß Tel ca bzw Haus-Tür",
    "el": "και ΟΔΟΣ Ελλάδα ΣΑΣ Σ σας άΐ ΆΣ. κ δηλ Σ' 'Σ ΑΣ:Α ΑΣ.",
    "en": "the Mr Dr No U.S e.g don't 1990's Ph.D Jan Nos cannot rock'n'roll it's",
    "es": "el señor ¿qué ¡Ay Sr EE.UU niño pág gr Fil núm nº 1º 2ª",
    "fr": "l'eau aujourd'hui qu'il M Mme c'est-à-dire œuvre Art n° d'",
    "hi": "है में हिन्दी वेल्श क़लम ज़्यादा श्री डॉ कि र्",
    "ru": "и в Россия г ул т.е Ёлка й Йод руб кв",
    "sw": "na ya Habari ng'ombe Ng'ang'a Dk n.k",
    "tr": "ve İstanbul ırmak Iğdır iyi İ I'ya Türkiye'nin Dr vb",
    "ur": "کی میں اُردُو ہے۔ سےؐ پاکستان‌ی آئی",
    "vi": "và Việt Nam ở ĐẶNG đường TP.HCM ngườí Tp",
}
OTHERS = [
    *"漢字 한글 각 한국어의 カタカナ ｶﾅ ไทย ภาษา ᏣᎳᎩ ꭰꭱ 𝒳𝐲𝟗 𝖆𝕭 Ａｂｃ ǅ ǈ ŉ ﬁ ﬃ ſ K Å Ω ϓ ϔ ẞ İİ i̇ I̊ ǰ ΐ".split(),
    *"ªº ⓐⒶ Ⅳ ⅷ ½ ² ٣٤ ४५ ５５ ௰ 〇 ꙮ ֆ ა Ა Ⴀ ჯ ⴀ שָׁלוֹם עברית தமிழ் বাংলা ខ្មែរ བོད་ አማርኛ Ǆ".split(),
    *"Σ ΣΣ ΑΣ ΑΣ' Α͎Σ ΑΣ́ Α.Σ.Α ΑΣ·Α ʰΣ Σʰ ΑΣʰ ͅΣ ᾼΣ ΑΣͅ ΑΣ\u00adΑ ΑΣ\u200dΑ 𐐀Σ Ⓐ\u0345Σ".split(),
    *"DOTMULTI DOTDOTMULTI DOTMULTI. DOTMULTI.. xDOTMULTI.y DOTDOTMULTI... DOTMULTI.DOTMULTI. ..DOTMULTI.z ...DOTMULTI.z DOT MULTI DOTMULTI.DOTMULTI.a dotmulti. THISISPROTECTED000 &amp; @-@ @@ @,@".split(),
    *"http://a.b/c?d=e&f a@b.c #tag @user 10:30 5% 5,000.00 1.000,5 3,5 $5 -5 +5 1/2 A.B. a.b. AT&T C++ .NET 'n' 'tis O'Neil''s ,5 5, x,5 5,x a,,b 5,,5 U.S.A. ... .. . …".split(),
    "e\u0301", "a\u0323\u0302", "\u0301", "\u0301\u0301", "q\u0307\u0323", "\u094d", "क\u093c", "\u093e", "\u0d46\u0d3e",
    "\u302e\u0301", "\u1b44\u1b34", "\U0001d15e", "\U0001d165\U0001d16e\U0001d165", "a\u302e\u302f\u0323\u302e", "각\u302e\u11a8",
    "👍🏽", "👩‍👩‍👧", "🇩🇪", "❤️", "©", "™", "€", "№", "°C", "ºC", "\u00a0ºC", "nº\u00a05", "5\u00a0cm", "20\u00a0%", "\ufdfa", "\u0e33", "\u0f73",
]  # fmt: skip
SIGNS = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") + list(
    "„“”‘’‚‛´«»‹›–—―…·•¿¡§¶†‰′″⁄№，。、：；？！（）《》「」『』【】〈〉［］％～．∶━－＇＂｀｡､।॥۔؟،؛٪٫٬׃־"
)
TRAPS = [
    '."', '".', ',"', '",', '..."', '"...', ".'", "'.", '"."', '."."', '," ', '." .', '." <', '."<', '".,', '..".."', "?'\"", "''", "'''", "''''", "``", "´´", "‘‘x’’", "x‘y‘z", "' '", "' 'x", "1' '2", "(' '", ") .", ") !", "( (", ") )", "() :", "( )", "5 %", "5 ％", "5  %", "٥ %", " :", " ;", " ；", ",,", ", ,", ",,,", ",5", "5,", "x,5,y", "1,2,3", "5 , 5", "。 。", "． 5", "。\u3000", "…", "……", "....", ". . .", ". ..", "..,", ",..", "...'", "'...", "«\u00a0", "\u00a0»", "\u00a0«\u00a0", "\u00a0»\u00a0", "\u00a0:", "\u00a0;", "\u00a0?", "\u00a0!", "\u00a0%", ",\u00a0", "1\u00a02", "1\u00a02\u00a03", "1\u00a0234\u00a0567,8\u00a09", "\u00a0cm", "—", " — ", "-—-", "- -", "--", "\u00a0", "\r", "\r:", ":\r", "\x00", "\x1c", "\x1f.", "\x7f", "\x85", "\t", "\t\t", "\v", "\f", "\u2028", "\u2029", "\u3000", "\u2009", "\u202f", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u202e", "\u2066", "\ufeff", "\u00ad", "\u180e", "\u2060", "\u0378", "\ue000", "\ufffe", "\ufdd0", "\uffff", "\U0001ffff", "\U000e0041", "\U0010ffff", "\ufffd", "\U000f0000", "\u1680", "\u205f", "s'", "'s", "1's", "a's", "a'1", "1'a", "’s", "s’", ":n", "U:n", "U:N", ":", "l·l", "L·", "Â·", "Â·a", "ng'", "'ng",
]  # fmt: skip
_SPACES = [" "] * 40 + ["  ", "   ", "\u00a0", "\t", "\u3000", "\u2009", "\u202f", "\x85", "\u2028"]
_SOUP = list("aZ5s.,'\"()[]:;%!?<>-`éΣः्१") + [" "] * 6 + SIGNS + TRAPS


def hard_rows(language: str, count: int, seed: int, prefixes: Sequence[str] = ()) -> list[str]:
    """As many rows for a language as asked for; the same ones for the same seed."""
    chance = random.Random(f"{seed} {language}")
    makers = _makers(chance, _vocabulary(language, prefixes))
    rows: list[str] = []
    while len(rows) < count:
        row = chance.choices(makers, (6, 5, 4, 1, 1))[0]()
        if rows and chance.random() < 0.15:
            row = _damaged(chance, chance.choice((row, chance.choice(rows))))
        if chance.random() < 0.03:
            row = "".join(chance.choices(_SPACES, k=chance.randrange(4)))
        rows.append(row.replace("\n", " "))
    return rows


def _vocabulary(language: str, prefixes: Sequence[str]) -> list[str]:
    own = WORDS.get(language, WORDS["en"]).split()
    foreign = " ".join(WORDS.values()).split()
    abbreviations = [f"{prefix}." for prefix in prefixes]
    return own * 12 + foreign + OTHERS * 2 + abbreviations


def _makers(chance: random.Random, words: list[str]) -> list[Callable[[], str]]:
    def word() -> str:
        text = chance.choice(words)
        text = chance.choice((str, str, str, str.upper, str.title, str.lower))(text)
        return unicodedata.normalize("NFD", text) if chance.random() < 0.05 else text

    def number() -> str:
        digits = chance.choice(("0123456789",) * 4 + ("٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "０１２３４５６７８９"))
        return "".join(chance.choices(digits + ".,:\u00a0/%-", [6] * 10 + [1] * 7, k=chance.randrange(1, 9)))

    def wrapped() -> str:
        before = "".join(chance.choices(SIGNS, k=chance.choice((0, 0, 0, 1, 1, 2))))
        after = "".join(chance.choices(SIGNS, k=chance.choice((0, 0, 1, 1, 2, 3))))
        return before + (word() if chance.random() < 0.8 else number()) + after

    def running() -> str:
        parts = [wrapped() if chance.random() < 0.5 else word() for _ in range(chance.randrange(1, 14))]
        text = "".join(part + chance.choice(_SPACES) for part in parts)
        end = chance.choice(("", "", ".", ".", '."', ".'", '".', "...", "!", ",", " ", ". ", ".)", "?»", "。"))
        return text.rstrip(" ") + end

    def soup() -> str:
        few = chance.choices(_SOUP, k=chance.randrange(2, 7)) + [" "] * chance.randrange(3)
        return "".join(chance.choices(few, k=chance.randrange(1, 24)))

    def trapped() -> str:
        parts: list[str] = []
        for _ in range(chance.randrange(1, 9)):
            parts += chance.choice((word, wrapped, number))(), chance.choice(TRAPS), chance.choice(("", "", " "))
        chance.shuffle(parts)
        return "".join(parts)

    def anything() -> str:
        top = chance.choice((0x80, 0x250, 0x700, 0x3000, 0x10000, 0x20000, 0x110000))
        points = (chance.randrange(top) for _ in range(chance.randrange(1, 30)))
        return "".join(chr(point) for point in points if not 0xD800 <= point < 0xE000)

    def planes() -> str:
        base = chance.randrange(0x1100) * 0x100
        points = [base + chance.randrange(0x100) for _ in range(chance.randrange(1, 12))]
        letters = [chr(point) for point in points if not 0xD800 <= point < 0xE000]
        return "".join(letter + chance.choice(("", " ", "a", ".", "'", "'s ", ",", ". ")) for letter in letters)

    return [running, soup, trapped, anything, planes]


def _damaged(chance: random.Random, row: str) -> str:
    letters = list(row)
    for _ in range(chance.randrange(1, 4)):
        if not letters:
            break
        at = chance.randrange(len(letters))
        letter = letters.pop(at)
        if chance.random() < 0.7:
            letters[at:at] = chance.choice(([letter, letter], [chance.choice(SIGNS)], [" ", letter], [letter, " "]))
    return "".join(letters)
