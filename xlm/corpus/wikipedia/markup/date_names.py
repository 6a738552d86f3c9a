"""Names of months and days in the 15 languages, as `{{CURRENTMONTHNAME}}` displays them."""

_MONTHS = {
    "ar": "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
    "bg": "януари февруари март април май юни юли август септември октомври ноември декември",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "el": "Ιανουάριος Φεβρουάριος Μάρτιος Απρίλιος Μάιος Ιούνιος Ιούλιος Αύγουστος Σεπτέμβριος "
    "Οκτώβριος Νοέμβριος Δεκέμβριος",
    "en": "January February March April May June July August September October November December",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
    "diciembre",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "hi": "जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितम्बर अक्टूबर नवम्बर दिसम्बर",
    "ru": "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
    "sw": "Januari Februari Machi Aprili Mei Juni Julai Agosti Septemba Oktoba Novemba Desemba",
    "th": "มกราคม กุมภาพันธ์ มีนาคม เมษายน พฤษภาคม มิถุนายน กรกฎาคม สิงหาคม กันยายน ตุลาคม พฤศจิกายน ธันวาคม",
    "tr": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
    "ur": "جنوری فروری مارچ اپریل مئی جون جولائی اگست ستمبر اکتوبر نومبر دسمبر",
}
_GENITIVES = {
    "el": "Ιανουαρίου Φεβρουαρίου Μαρτίου Απριλίου Μαΐου Ιουνίου Ιουλίου Αυγούστου Σεπτεμβρίου "
    "Οκτωβρίου Νοεμβρίου Δεκεμβρίου",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
}
_DAYS = {
    "ar": "الأحد الاثنين الثلاثاء الأربعاء الخميس الجمعة السبت",
    "bg": "неделя понеделник вторник сряда четвъртък петък събота",
    "de": "Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag",
    "el": "Κυριακή Δευτέρα Τρίτη Τετάρτη Πέμπτη Παρασκευή Σάββατο",
    "en": "Sunday Monday Tuesday Wednesday Thursday Friday Saturday",
    "es": "domingo lunes martes miércoles jueves viernes sábado",
    "fr": "dimanche lundi mardi mercredi jeudi vendredi samedi",
    "hi": "रविवार सोमवार मंगलवार बुधवार गुरुवार शुक्रवार शनिवार",
    "ru": "воскресенье понедельник вторник среда четверг пятница суббота",
    "sw": "Jumapili Jumatatu Jumanne Jumatano Alhamisi Ijumaa Jumamosi",
    "th": "วันอาทิตย์ วันจันทร์ วันอังคาร วันพุธ วันพฤหัสบดี วันศุกร์ วันเสาร์",
    "tr": "Pazar Pazartesi Salı Çarşamba Perşembe Cuma Cumartesi",
    "ur": "اتوار پیر منگل بدھ جمعرات جمعہ ہفتہ",
    "vi": "Chủ_nhật Thứ_Hai Thứ_Ba Thứ_Tư Thứ_Năm Thứ_Sáu Thứ_Bảy",
    "zh": "星期日 星期一 星期二 星期三 星期四 星期五 星期六",
}
_NUMBERED = {"vi": "tháng {}", "zh": "{}月"}
_ABBREVIATED = "en"


def date_names(language: str, month: int, day_of_week: int) -> dict[str, str]:
    """The values of date words, by the part after `CURRENT`; empty without names for a language.

    Args:
        month: 1 to 12.
        day_of_week: 0 is Sunday.
    """
    if language not in _DAYS:
        return {}
    if language in _NUMBERED:
        name = genitive = _NUMBERED[language].format(month)
    else:
        name = _MONTHS[language].split()[month - 1]
        genitive = _GENITIVES.get(language, _MONTHS[language]).split()[month - 1]
    names = {
        "MONTHNAME": name,
        "MONTHNAMEGEN": genitive,
        "DAYNAME": _DAYS[language].split()[day_of_week].replace("_", " "),
    }
    if language == _ABBREVIATED:
        names["MONTHABBREV"] = name[:3]
    return names
