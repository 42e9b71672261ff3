"""What can be seen in a row's own text: task type, difficulty, length."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

_SENTENCE_END: Final = re.compile(r"(?<![.!?。！？])[.!?。！？]++(?=\s|$)|\n++")
_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")
_ITEM: Final = re.compile(r"^[ \t]*(?:[-*•]|\(?[0-9a-zA-Z]{1,2}[.)])\s+\S", re.MULTILINE)
_QUESTION: Final = re.compile(r"[?？؟]")
_CHOICE: Final = re.compile(r"^[ \t]*\(?([A-Ha-h])[.):]\s+\S", re.MULTILINE)
_LETTER: Final = re.compile(r"\(?([A-Ha-h])\)?[.:)]?(?:\s|$)")
_NUMERIC: Final = re.compile(r"[-+−]?[$€£]?\s?\d[\d.,\s]*(?:[eE][-+]?\d+)?\s?%?|[-+]?\d+/\d+")
_CODE: Final = re.compile(
    r"```|^[ \t]*(?:def |class |import |from \w+ import |#include|function |SELECT\s)", re.MULTILINE
)
_UNSPACED: Final = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u4e00-\u9fff]")


def _word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_YES_NO: Final = _word_set(
    """yes no true false ja nein oui non sí si sim não sì nee tak nie evet hayır да нет ναι όχι はい いいえ
    是 否 예 아니요 ใช่ ไม่ हाँ नहीं"""
)
SHORT: Final = 200
LONG: Final = 1000


def length_bucket(query: str) -> str:
    """`short` below 200 characters, `medium` below 1,000, else `long`."""
    return "short" if len(query) < SHORT else "medium" if len(query) < LONG else "long"


def task_type(query: str, response: str) -> str:
    """What kind of answer is asked for, by the expected one; the first that fits.

    - `multiple_choice`: the answer begins with a letter that stands before one of at least two options of the query.
    - `yes_no`: the answer is yes, no, true or false, in one of 14 languages.
    - `number`: the answer is one number, with a sign, a currency or a percent sign at most.
    - `json`: the answer is a JSON object or list.
    - `code`: the answer has a code fence or begins a line as a program does.
    - `label`: the answer has at most 3 words; `short_answer`: at most 25; `long_answer`: more.

    >>> task_type("What is 2 + 2?", "4"), task_type("Which one? A) tea B) milk", "tea"), task_type("Who?", "It was me.")
    ('number', 'label', 'label')
    """
    answer = response.strip()
    options = {letter.lower() for letter in _CHOICE.findall(query)}
    letter = _LETTER.match(answer)
    if letter and len(options) > 1 and letter[1].lower() in options:
        return "multiple_choice"
    if answer.rstrip(".!").casefold() in _YES_NO:
        return "yes_no"
    if _NUMERIC.fullmatch(answer):
        return "number"
    if answer[:1] in {"{", "["} and _is_json(answer):
        return "json"
    if _CODE.search(answer):
        return "code"
    words = _words(answer)
    return "label" if words <= 3 else "short_answer" if words <= 25 else "long_answer"


def difficulty(query: str) -> str:
    """How much a query asks of a reader: `easy` for 0 or 1 points, `medium` for 2 or 3, `hard` for more.

    One point each for

    - more than 40 words, more than 120, more than 300;
    - sentences of more than 20 words on average;
    - at least three numbers;
    - more than one question, or at least two list items;
    - a second paragraph after a blank line.

    The points measure the text, not what a model makes of it. Where words are not spaced, two characters are a word.
    """
    words = _words(query)
    sentences = sum(1 for part in _SENTENCE_END.split(query) if part.strip())
    points = (
        (words > 40)
        + (words > 120)
        + (words > 300)
        + (words > 20 * max(sentences, 1))
        + (len(_NUMBER.findall(query)) >= 3)
        + (len(_QUESTION.findall(query)) > 1 or len(_ITEM.findall(query)) >= 2)
        + ("\n\n" in query.strip().replace("\r\n", "\n"))
    )
    return "easy" if points < 2 else "medium" if points < 4 else "hard"


def _words(text: str) -> int:
    unspaced = len(_UNSPACED.findall(text))
    return len(_UNSPACED.sub(" ", text).split()) + unspaced // 2 if unspaced else len(text.split())


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


UNKNOWN: Final = "unknown"
_CHARACTERS: Final = 5000
_WORD: Final = re.compile(r"[^\W\d_]+")


_LATIN_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "en": _word_set(
        """the and is are was were of to in that this it you not with for have has my we he she they what when which how
        from by would there but i a an on as at if do does be been can will your our or no"""
    ),
    "de": _word_set(
        """der die das und ist sind nicht ein eine einen einem ich wir sie es mit von zu auf für den dem des im auch
        aber oder wenn wie kann haben hat werden wird nach bei beim seit noch mein meine keine kein bitte am zum zur"""
    ),
    "fr": _word_set(
        """le la les et est sont pas un une des du de je nous vous il elle que qui dans pour sur avec ce cette mais ou
        ne plus au aux mon ma mes bonjour depuis ai très être avons suis à été"""
    ),
    "es": _word_set(
        """el la los las y es son no un una de del que en por para con se lo mi su pero o más como está están hay cuando
        desde me nos ha he muy sin al gracias puedo ya hola"""
    ),
    "pt": _word_set(
        """o a os as e é são não um uma de do da dos das que em no na por para com se meu minha mas ou mais como está
        estão quando desde me nos há muito sem ao já você obrigado pode isso"""
    ),
    "it": _word_set(
        """il lo la i gli le e è sono non un una di del della dei che in nel nella per con si mi ma o più come quando da
        dal dalla ho ha abbiamo molto senza al alla questo questa grazie buongiorno ci"""
    ),
    "nl": _word_set(
        """de het een en is zijn niet van te in dat dit ik we wij u je met voor op aan maar of als ook naar bij door heb
        heeft kan geen mijn deze er wordt wel nog om uit graag"""
    ),
    "pl": _word_set(
        """i w na nie się z do jest to że a o jak ale po co tak za od przez dla mi mam ma są nie był być czy już tylko
        przy gdy proszę dzień dobry mnie moje"""
    ),
    "tr": _word_set(
        """ve bir bu da de için ile çok ama ne var yok gibi daha olarak olan ben biz siz o mi mı mu mü değil kadar sonra
        en her şey ya lütfen merhaba bana benim"""
    ),
}
# Letters of Czech, Slovak, Croatian, Romanian, Hungarian, Swedish, Danish, Norwegian, Icelandic and their neighbours.
_OTHER_LATIN: Final = re.compile("[řěůčšžďťňășțşţőűåøæðþđ]")
_TURKISH: Final = re.compile("[ığ]")
_HINDI: Final = _word_set("है हैं में के का की को से और नहीं यह पर मैं हो था कर भी ने एक तो")
_RUSSIAN: Final = _word_set("и в не на я что с по как это но из у к мы для за от так же все нет есть мой при после")
_NOT_RUSSIAN: Final = re.compile("[іїєґўјљњћђџќѓѕ]")  # Ukrainian, Belarusian, Serbian, Macedonian
_SCRIPTS: Final = re.compile(
    "(?P<Latin>[A-Za-zÀ-ɏ])|(?P<Cyrillic>[\u0400-\u04ff])|(?P<el>[\u0370-\u03ff\u1f00-\u1fff])|(?P<Kana>[\u3040-\u30ff])"
    "|(?P<Han>[\u4e00-\u9fff])|(?P<ko>[\uac00-\ud7af])|(?P<th>[\u0e00-\u0e7f])|(?P<Devanagari>[\u0900-\u097f])"
)


def language(text: str) -> str:
    """The ISO 639-1 code of a text's language, or `"unknown"`.

    It tells apart English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Turkish, Russian, Greek,
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
