"""The table of languages, with their codes in each source.

To add a language, add a line to `FURTHER_LANGUAGES` with its codes in Wikipedia, OPUS and NTREX. It
has no XNLI data, so the model is pretrained on it, but XNLI does not evaluate it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """One language and its codes in the sources."""

    code: str
    """Code in this project and in XNLI (ISO 639-1)."""
    name: str
    """English name."""
    script: str
    """ISO 15924."""
    direction: str
    """`ltr` or `rtl`."""
    wiki: str
    """Code of its Wikipedia: host `{wiki}.wikipedia.org`, database `{wiki}wiki`."""
    opus: tuple[str, ...]
    """Codes in OPUS, most common first; corpora differ (Tatoeba uses cmn and swh)."""
    ntrex: str
    """Code in the file names of NTREX-128 (ISO 639-3, with a region if there are several)."""
    tokenizer: str = ""
    """Language whose Moses rules tokenize it; empty: its own."""


#        code  name          script  dir    wiki  OPUS                         NTREX
PAPER_LANGUAGES = (
    Language("ar", "Arabic", "Arab", "rtl", "ar", ("ar", "ara"), "arb"),
    Language("bg", "Bulgarian", "Cyrl", "ltr", "bg", ("bg", "bul"), "bul"),
    Language("de", "German", "Latn", "ltr", "de", ("de", "deu"), "deu"),
    Language("el", "Greek", "Grek", "ltr", "el", ("el", "ell"), "ell"),
    Language("en", "English", "Latn", "ltr", "en", ("en", "eng"), "eng"),
    Language("es", "Spanish", "Latn", "ltr", "es", ("es", "spa"), "spa"),
    Language("fr", "French", "Latn", "ltr", "fr", ("fr", "fra"), "fra"),
    Language("hi", "Hindi", "Deva", "ltr", "hi", ("hi", "hin"), "hin"),
    Language("ru", "Russian", "Cyrl", "ltr", "ru", ("ru", "rus"), "rus"),
    Language("sw", "Swahili", "Latn", "ltr", "sw", ("sw", "swh", "swa"), "swa"),
    Language("th", "Thai", "Thai", "ltr", "th", ("th", "tha"), "tha"),
    Language("tr", "Turkish", "Latn", "ltr", "tr", ("tr", "tur"), "tur"),
    Language("ur", "Urdu", "Arab", "rtl", "ur", ("ur", "urd"), "urd"),
    Language("vi", "Vietnamese", "Latn", "ltr", "vi", ("vi", "vie"), "vie"),
    Language("zh", "Chinese", "Hans", "ltr", "zh", ("zh", "cmn", "zh_cn", "zh_CN"), "zho-CN"),
)
"""The 15 languages of XNLI and of the paper."""

FURTHER_LANGUAGES = (
    Language("af", "Afrikaans", "Latn", "ltr", "af", ("af", "afr"), "afr"),
    Language("am", "Amharic", "Ethi", "ltr", "am", ("am", "amh"), "amh"),
    Language("az", "Azerbaijani", "Latn", "ltr", "az", ("az", "aze"), "aze-Latn"),
    Language("be", "Belarusian", "Cyrl", "ltr", "be", ("be", "bel"), "bel"),
    Language("bn", "Bengali", "Beng", "ltr", "bn", ("bn", "ben"), "ben"),
    Language("bs", "Bosnian", "Latn", "ltr", "bs", ("bs", "bos"), "bos"),
    Language("ca", "Catalan", "Latn", "ltr", "ca", ("ca", "cat"), "cat"),
    Language("cs", "Czech", "Latn", "ltr", "cs", ("cs", "ces"), "ces"),
    Language("cy", "Welsh", "Latn", "ltr", "cy", ("cy", "cym"), "cym"),
    Language("da", "Danish", "Latn", "ltr", "da", ("da", "dan"), "dan"),
    Language("et", "Estonian", "Latn", "ltr", "et", ("et", "est"), "est"),
    Language("eu", "Basque", "Latn", "ltr", "eu", ("eu", "eus"), "eus"),
    Language("fa", "Persian", "Arab", "rtl", "fa", ("fa", "pes", "fas"), "fas"),
    Language("fi", "Finnish", "Latn", "ltr", "fi", ("fi", "fin"), "fin"),
    Language("ga", "Irish", "Latn", "ltr", "ga", ("ga", "gle"), "gle"),
    Language("gl", "Galician", "Latn", "ltr", "gl", ("gl", "glg"), "glg"),
    Language("gu", "Gujarati", "Gujr", "ltr", "gu", ("gu", "guj"), "guj"),
    Language("ha", "Hausa", "Latn", "ltr", "ha", ("ha", "hau"), "hau"),
    Language("he", "Hebrew", "Hebr", "rtl", "he", ("he", "heb"), "heb"),
    Language("hr", "Croatian", "Latn", "ltr", "hr", ("hr", "hrv"), "hrv"),
    Language("hu", "Hungarian", "Latn", "ltr", "hu", ("hu", "hun"), "hun"),
    Language("hy", "Armenian", "Armn", "ltr", "hy", ("hy", "hye"), "hye"),
    Language("id", "Indonesian", "Latn", "ltr", "id", ("id", "ind"), "ind"),
    Language("is", "Icelandic", "Latn", "ltr", "is", ("is", "isl"), "isl"),
    Language("it", "Italian", "Latn", "ltr", "it", ("it", "ita"), "ita"),
    Language("ja", "Japanese", "Jpan", "ltr", "ja", ("ja", "jpn"), "jpn"),
    Language("ka", "Georgian", "Geor", "ltr", "ka", ("ka", "kat"), "kat"),
    Language("kk", "Kazakh", "Cyrl", "ltr", "kk", ("kk", "kaz"), "kaz"),
    Language("km", "Khmer", "Khmr", "ltr", "km", ("km", "khm"), "khm"),
    Language("kn", "Kannada", "Knda", "ltr", "kn", ("kn", "kan"), "kan"),
    Language("ko", "Korean", "Kore", "ltr", "ko", ("ko", "kor"), "kor"),
    Language("lo", "Lao", "Laoo", "ltr", "lo", ("lo", "lao"), "lao"),
    Language("lt", "Lithuanian", "Latn", "ltr", "lt", ("lt", "lit"), "lit"),
    Language("lv", "Latvian", "Latn", "ltr", "lv", ("lv", "lvs", "lav"), "lav"),
    Language("mk", "Macedonian", "Cyrl", "ltr", "mk", ("mk", "mkd"), "mkd"),
    Language("ml", "Malayalam", "Mlym", "ltr", "ml", ("ml", "mal"), "mal"),
    Language("mn", "Mongolian", "Cyrl", "ltr", "mn", ("mn", "khk", "mon"), "mon"),
    Language("mr", "Marathi", "Deva", "ltr", "mr", ("mr", "mar"), "mar"),
    Language("ms", "Malay", "Latn", "ltr", "ms", ("ms", "zsm", "msa"), "msa"),
    Language("my", "Burmese", "Mymr", "ltr", "my", ("my", "mya"), "mya"),
    Language("ne", "Nepali", "Deva", "ltr", "ne", ("ne", "npi", "nep"), "nep"),
    Language("nl", "Dutch", "Latn", "ltr", "nl", ("nl", "nld"), "nld"),
    Language("no", "Norwegian", "Latn", "ltr", "no", ("no", "nb", "nob", "nor"), "nob"),
    Language("pa", "Punjabi", "Guru", "ltr", "pa", ("pa", "pan"), "pan"),
    Language("pl", "Polish", "Latn", "ltr", "pl", ("pl", "pol"), "pol"),
    Language("ps", "Pashto", "Arab", "rtl", "ps", ("ps", "pus"), "pus"),
    Language("pt", "Portuguese", "Latn", "ltr", "pt", ("pt", "por"), "por"),
    Language("ro", "Romanian", "Latn", "ltr", "ro", ("ro", "ron"), "ron"),
    Language("si", "Sinhala", "Sinh", "ltr", "si", ("si", "sin"), "sin"),
    Language("sk", "Slovak", "Latn", "ltr", "sk", ("sk", "slk"), "slk"),
    Language("sl", "Slovenian", "Latn", "ltr", "sl", ("sl", "slv"), "slv"),
    Language("so", "Somali", "Latn", "ltr", "so", ("so", "som"), "som"),
    Language("sq", "Albanian", "Latn", "ltr", "sq", ("sq", "sqi"), "sqi"),
    Language("sr", "Serbian", "Cyrl", "ltr", "sr", ("sr", "srp"), "srp-Cyrl"),
    Language("sv", "Swedish", "Latn", "ltr", "sv", ("sv", "swe"), "swe"),
    Language("ta", "Tamil", "Taml", "ltr", "ta", ("ta", "tam"), "tam"),
    Language("te", "Telugu", "Telu", "ltr", "te", ("te", "tel"), "tel"),
    Language("uk", "Ukrainian", "Cyrl", "ltr", "uk", ("uk", "ukr"), "ukr"),
    Language("uz", "Uzbek", "Latn", "ltr", "uz", ("uz", "uzb"), "uzb"),
)
"""Further languages for pretraining, or for extending a model by warm start."""
