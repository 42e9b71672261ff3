"""The language of a text, by its script and its commonest words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

UNKNOWN: Final = "unknown"
_CHARACTERS: Final = 5000
_WORD: Final = re.compile(r"[^\W\d_]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LATIN_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "en": _words(
        """the and is are was were of to in that this it you not with for have has my we he she they what when which how
        from by would there but i a an on as at if do does be been can will your our or no"""
    ),
    "de": _words(
        """der die das und ist sind nicht ein eine einen einem ich wir sie es mit von zu auf für den dem des im auch
        aber oder wenn wie kann haben hat werden wird nach bei beim seit noch mein meine keine kein bitte am zum zur"""
    ),
    "fr": _words(
        """le la les et est sont pas un une des du de je nous vous il elle que qui dans pour sur avec ce cette mais ou
        ne plus au aux mon ma mes bonjour depuis ai très être avons suis à été"""
    ),
    "es": _words(
        """el la los las y es son no un una de del que en por para con se lo mi su pero o más como está están hay cuando
        desde me nos ha he muy sin al gracias puedo ya hola"""
    ),
    "pt": _words(
        """o a os as e é são não um uma de do da dos das que em no na por para com se meu minha mas ou mais como está
        estão quando desde me nos há muito sem ao já você obrigado pode isso"""
    ),
    "it": _words(
        """il lo la i gli le e è sono non un una di del della dei che in nel nella per con si mi ma o più come quando da
        dal dalla ho ha abbiamo molto senza al alla questo questa grazie buongiorno ci"""
    ),
    "nl": _words(
        """de het een en is zijn niet van te in dat dit ik we wij u je met voor op aan maar of als ook naar bij door heb
        heeft kan geen mijn deze er wordt wel nog om uit graag"""
    ),
    "pl": _words(
        """i w na nie się z do jest to że a o jak ale po co tak za od przez dla mi mam ma są nie był być czy już tylko
        przy gdy proszę dzień dobry mnie moje"""
    ),
    "tr": _words(
        """ve bir bu da de için ile çok ama ne var yok gibi daha olarak olan ben biz siz o mi mı mu mü değil kadar sonra
        en her şey ya lütfen merhaba bana benim"""
    ),
}
# Letters of Czech, Slovak, Croatian, Romanian, Hungarian, Swedish, Danish, Norwegian, Icelandic and their neighbours.
_OTHER_LATIN: Final = re.compile("[řěůčšžďťňășțşţőűåøæðþđ]")
_TURKISH: Final = re.compile("[ığ]")
_HINDI: Final = _words("है हैं में के का की को से और नहीं यह पर मैं हो था कर भी ने एक तो")
_RUSSIAN: Final = _words("и в не на я что с по как это но из у к мы для за от так же все нет есть мой при после")
_NOT_RUSSIAN: Final = re.compile("[іїєґўјљњћђџќѓѕ]")  # Ukrainian, Belarusian, Serbian, Macedonian
_SCRIPTS: Final = re.compile(
    "(?P<Latin>[A-Za-zÀ-ɏ])|(?P<Cyrillic>[\u0400-\u04ff])|(?P<el>[\u0370-\u03ff\u1f00-\u1fff])|(?P<Kana>[\u3040-\u30ff])"
    "|(?P<Han>[\u4e00-\u9fff])|(?P<ko>[\uac00-\ud7af])|(?P<th>[\u0e00-\u0e7f])|(?P<Devanagari>[\u0900-\u097f])"
)


def language(text: str) -> str:
    """The ISO 639-1 code of a text's language, or `"unknown"`.

    Told apart are English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Turkish, Russian, Greek,
    Japanese, Chinese, Korean, Thai and Hindi. The script that most letters have decides; Latin, Cyrillic and Devanagari
    letters also need common words of one language: at least two, a tenth of all words, and more than any other
    language has. A short text, a list of names, and a language that is not among these are unknown, but a near
    relative of one (Galician, Afrikaans) may be taken for it. Only the first 5,000 characters are looked at.

    >>> language("The printer is not in the list"), language("Der Drucker ist nicht da"), language("Printer 5")
    ('en', 'de', 'unknown')
    """
    text = text[:_CHARACTERS].casefold()
    scripts = Counter(match.lastgroup for match in _SCRIPTS.finditer(text))
    if not scripts:
        return UNKNOWN
    if scripts["Kana"] and scripts["Kana"] + scripts["Han"] > scripts["Latin"]:
        return "ja"
    script = str(scripts.most_common(1)[0][0])
    words = _WORD.findall(text)
    match script:
        case "Latin":
            others = 0 if _TURKISH.search(text) else len(_OTHER_LATIN.findall(text))
            return UNKNOWN if others > 1 else _by_words(words, _LATIN_WORDS)
        case "Cyrillic":
            return UNKNOWN if _NOT_RUSSIAN.search(text) else _by_words(words, {"ru": _RUSSIAN})
        case "Devanagari":
            return _by_words(re.findall(r"[\u0900-\u097f]+", text), {"hi": _HINDI})
        case "Han":
            return "zh"
        case _:
            return script


def _by_words(words: list[str], languages: Mapping[str, frozenset[str]]) -> str:
    found = Counter({language: sum(word in common for word in words) for language, common in languages.items()})
    (best, hits), *others = found.most_common(2)
    if hits < 2 or hits * 10 < len(words) or (others and others[0][1] == hits):
        return UNKNOWN
    return best
