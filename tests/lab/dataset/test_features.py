from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalayer_lab.dataset import difficulty, language, length_bucket, task_type

ROOT = Path(__file__).parents[3]
PARAGRAPH = "The quick brown fox jumps over the lazy dog near the old stone bridge today. "


@pytest.mark.parametrize(
    ("characters", "bucket"), [(1, "short"), (199, "short"), (200, "medium"), (999, "medium"), (1000, "long")]
)
def test_length_has_three_buckets(characters: int, bucket: str) -> None:
    assert length_bucket("ö" * characters) == bucket


@pytest.mark.parametrize(
    ("query", "response", "task"),
    [
        ("Which?\nA) tea\nB) milk", "B", "multiple_choice"),
        ("Which?\nA. tea\nB. milk", "(b) milk, because", "multiple_choice"),
        ("Which?\nA) tea\nB) milk", "C", "label"),
        ("Is it a plan?", "A plan", "label"),
        ("Is it so?", "Yes.", "yes_no"),
        ("Stimmt das?", "Nein", "yes_no"),
        ("How many?", "1,234.5", "number"),
        ("How many?", "-3/4", "number"),
        ("How much?", "$5", "number"),
        ("How many?", "five of them", "label"),
        ("Sort this.", '{"class": "network"}', "json"),
        ("Sort this.", "[1, 2]", "json"),
        ("Sort this.", "{not json}", "label"),
        ("Write it.", "```python\nprint()\n```", "code"),
        ("Write it.", "def f():\n    return 1", "code"),
        ("Who?", "It was not me, I think.", "short_answer"),
        ("Why?", "word " * 26, "long_answer"),
        ("为什么?", "因为天气不好所以我们今天没有去公园散步", "short_answer"),
    ],
)
def test_the_task_is_told_by_the_expected_answer(query: str, response: str, task: str) -> None:
    assert task_type(query, response) == task


@pytest.mark.parametrize(
    ("query", "level"),
    [
        ("What is the capital of France?", "easy"),
        ("Add 3 and 4. Then take 2 off.", "easy"),  # one point: three numbers
        ("What are 3, 4 and 5? And what is 6?", "medium"),  # numbers and questions
        ("Do this:\n- one\n- two\n\nThen 1, 2 and 3.", "medium"),  # items, a paragraph, numbers
        (PARAGRAPH * 3, "easy"),
        (PARAGRAPH * 9 + "\n\n" + PARAGRAPH, "medium"),
        (PARAGRAPH * 9 + "Is it 1, 2 or 3? Or 4?", "hard"),
        ("word " * 301, "hard"),  # three for words, one for the sentence
    ],
)
def test_difficulty_follows_its_rule(query: str, level: str) -> None:
    assert difficulty(query) == level


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "The printer on the second floor does not print and we have tried to restart it."),
        ("de", "Der Drucker im zweiten Stock druckt nicht und wir haben ihn schon neu gestartet."),
        ("fr", "L'imprimante du deuxième étage ne marche pas et nous avons essayé de la redémarrer."),
        ("es", "La impresora del segundo piso no funciona y hemos intentado reiniciarla."),
        ("pt", "A impressora do segundo andar não funciona e já tentamos reiniciar."),
        ("it", "La stampante al secondo piano non funziona e abbiamo già provato a riavviarla."),
        ("nl", "De printer op de tweede verdieping werkt niet en we hebben hem al opnieuw gestart."),
        ("pl", "Drukarka na drugim piętrze nie działa i już ją uruchomiliśmy ponownie."),
        ("tr", "İkinci kattaki yazıcı çalışmıyor ve biz yeniden başlatmayı denedik ama olmadı."),
        ("ru", "Принтер на втором этаже не печатает, и мы уже перезагрузили его."),
        ("el", "Ο εκτυπωτής στον δεύτερο όροφο δεν λειτουργεί."),
        ("ja", "二階のプリンターが動きません。再起動しました。"),
        ("zh", "二楼的打印机不工作了,我们已经重启过。"),
        ("ko", "2층 프린터가 작동하지 않습니다."),
        ("th", "เครื่องพิมพ์ชั้นสองไม่ทำงาน"),
        ("hi", "दूसरी मंज़िल का प्रिंटर काम नहीं कर रहा है।"),
        ("unknown", "printer kaputt lol"),
        ("unknown", "12345 ++ 678"),
        ("unknown", ""),
        ("unknown", "Tiskárna ve druhém patře nefunguje a už jsme ji zkoušeli restartovat."),
        ("unknown", "Imprimanta de la etajul doi nu funcționează și am încercat să o repornim."),
        ("unknown", "Skrivaren på andra våningen fungerar inte och vi har startat om den."),
        ("unknown", "Принтер на другому поверсі не працює, і ми вже його перезапустили."),
        ("unknown", "الطابعة لا تعمل"),
    ],
)
def test_a_language_is_told_or_unknown(code: str, text: str) -> None:
    assert language(text) == code


def test_the_language_of_the_bundled_tickets_is_never_wrong_in_an_english_one() -> None:
    lines = (ROOT / "data/support_tickets/gen_qa.jsonl").read_bytes().splitlines()
    queries = [json.loads(line)["query"] for line in lines]
    english = [query for query in queries if query.isascii() and " the " in query]
    assert len(english) > 100
    assert {language(query) for query in english} <= {"en", "unknown"}
    assert sum(language(query) == "en" for query in english) > 0.97 * len(english)


@given(st.text(), st.text())
def test_any_text_has_features(query: str, response: str) -> None:
    assert length_bucket(query) in {"short", "medium", "long"}
    assert difficulty(query) in {"easy", "medium", "hard"}
    assert task_type(query, response)
    assert language(query)


@pytest.mark.parametrize(
    "text", ["." * 200_000 + "a", "\n" * 200_000, "- " * 100_000, "1," * 100_000, " " * 200_000 + "x"]
)
def test_no_text_takes_long(text: str) -> None:
    difficulty(text)
    task_type(text, text)
    language(text)
