from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from tests.lab.report import documents

from evalayer_lab.report import Document
from evalayer_lab.report._document import Example, Finding, Segments, Token
from evalayer_lab.report.html import render_html

ODD: dict[str, Callable[[], Document]] = {
    "tickets": documents.tickets,
    "bare": documents.bare,
    "one row": documents.one_row,
    "without values": documents.without_values,
    "200 labels": documents.many_labels,
    "1,000 segments": documents.many_segments,
    "hostile": documents.hostile,
}
odd = pytest.mark.parametrize("make", ODD.values(), ids=list(ODD))
ALLOWED = re.compile(
    "a|article|bdi|body|caption|circle|code|dd|desc|details|div|dl|dt|figcaption|figure|footer|g|h[1-3]|head|header"
    "|html|li|line|main|meta|nav|ol|p|path|pre|rect|section|span|strong|style|summary|svg|table|tbody|td|text"
    "|th|thead|title|tr|ul|wbr"
)
VOID = {"meta", "wbr"}


class Page(HTMLParser):
    """A page read strictly: every element is known, closed, and holds no attribute that acts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.links: list[str] = []
        self.headings: list[int] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert ALLOWED.fullmatch(tag), tag
        self.tags[tag] += 1
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            assert name not in {"src", "style", "srcdoc", "action"}, (tag, name)
            if name == "id":
                self.ids[value or ""] += 1
            if name == "href":
                self.links.append(value or "")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


def check(text: str) -> Page:
    """Hold a page to what every page must be."""
    assert len(text.encode()) < 3_000_000
    assert re.search("<script", text, re.IGNORECASE) is None
    assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]", text) is None
    page = Page(text)
    assert set(page.ids.values()) <= {1}
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links), page.links
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert page.tags["caption"] == page.tags["table"]
    for drawing in re.findall("<svg.*?</svg>", text, re.DOTALL):
        root = ET.fromstring(drawing)  # noqa: S314 (drawn by the code under test)
        assert root.attrib["role"] == "img"
        assert (root.findtext("title") or "").strip()
        if root.attrib["class"] == "chart":
            assert (root.findtext("desc") or "").strip()
            assert root.attrib["aria-labelledby"] in page.ids
    return page


@odd
def test_page_is_whole(make: Callable[[], Document]) -> None:
    check(render_html(make()))


@settings(max_examples=50)
@given(documents.documents())
def test_any_document_makes_a_page(document: Document) -> None:
    check(render_html(document))


def test_equal_documents_give_equal_texts() -> None:
    document = documents.tickets()
    again = Document.model_validate_json(document.model_dump_json())
    assert again is not document
    assert render_html(document) == render_html(again)
    assert render_html(document) != render_html(document.model_copy(update={"notes": ("another",)}))


def test_size_does_not_depend_on_the_number_of_rows() -> None:
    few, many = (len(render_html(documents.tickets(n)).encode()) for n in (220, 1_000_000))
    assert many < 1.2 * few < 200_000


def test_longest_texts_stay_within_the_bound() -> None:
    word = "\u202e" * 100_000
    token = Token(text=word, probability=0.5, in_label=True)
    example = Example(
        id="x", why=word, correct=True, confidence=1.0, metadata={f"{word}{index}": word for index in range(50)},
        prompt=word, answer=word, gold=word, tokens=(token,) * 1000,
    )  # fmt: skip
    finding = Finding(kind=word, sentence=word, next_step=word, rows=1)
    examples = tuple(example.model_copy(update={"id": str(index)}) for index in range(500))
    document = documents.tickets().model_copy(
        update={
            "examples": examples,
            "findings": (finding,) * 500,
            "notes": (word,) * 500,
            "assumptions": (word,) * 500,
        }
    )
    page = check(render_html(document))
    assert page.text.count("(99,000 more characters)") == 12 * 2 + 40 * 2
    assert "And 480 more examples" in page.text


def test_policy_allows_the_style_sheet_and_nothing_else() -> None:
    text = render_html(documents.tickets())
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = f"default-src &#x27;none&#x27;; style-src &#x27;sha256-{digest}&#x27;; base-uri &#x27;none&#x27;"
    assert f'http-equiv="Content-Security-Policy" content="{policy}' in text
    assert re.search(r"url\(|@import|https?:", text) is None


def test_findings_come_first_and_link_to_their_rows() -> None:
    document = documents.tickets()
    text = render_html(document)
    places = [text.index(each.sentence) for each in document.findings]
    assert places == sorted(places)
    assert places[-1] < text.index('id="figures"')
    second = text[places[1] : places[2]]
    assert re.findall('href="(.*?)"', second) == ["#example-2", "#example-3"]
    assert re.search('<article id="example-2".*?row.*?-.*?107', text, re.DOTALL)


def test_next_step_is_said_once() -> None:
    document = documents.tickets()
    assert "Start here. Read the rows with difficulty = hard first" in check(render_html(document)).text
    first = document.findings[0]
    again = document.model_copy(update={"next_step": f"{first.sentence} {first.next_step}"})
    text = check(render_html(again)).text
    assert "Start here" not in text
    assert text.count(first.next_step) == 1


def test_sections_link_to_how_they_were_computed() -> None:
    text = render_html(documents.tickets())
    assert re.findall('class="computed"><a href="#(.*?)">', text) == ["method-4"]
    assert re.search('id="method-4"><dt><bdi>Confidence</bdi></dt><dd>The product of', text)


def test_every_figure_of_a_card_is_in_the_page() -> None:
    text = check(render_html(documents.tickets())).text
    assert re.search(r"Accuracy0\.817.{0,40}0\.760 to 0\.86295% interval, Wilson218 rows", text)
    assert "212 of 218 rows" in text
    assert "Between 0.694 and 0.721 if the unscored rows are counted at their worst and best." in text


def test_confusion_matrix_gives_counts_and_shares_of_rows() -> None:
    document = documents.tickets()
    counts = document.classifications[0].confusion[0]
    row = re.search(r'<th scope="row" class="text"><bdi>hardware</bdi></th>(.*?)</tr>', render_html(document))
    assert row is not None
    cells = re.findall("<td class=.num(.*?)</td>", row[1])
    assert len(cells) == len(counts) + 1
    assert [int(re.sub(".*class=.n.>([0-9]+)<.*", r"\1", cell)) for cell in cells[:-1]] == list(counts)
    assert [("diagonal" in cell) for cell in cells[:-1]] == [True, False, False, False, False]
    assert f"{100 * counts[0] / sum(counts):.1f}%" in cells[0]


def test_many_labels_fall_back_to_the_commonest_confusions() -> None:
    document = documents.many_labels()
    page = check(render_html(document))
    confusion = document.classifications[0].confusion
    most = max(n for gold, row in enumerate(confusion) for predicted, n in enumerate(row) if predicted != gold)
    gold = next(gold for gold, row in enumerate(confusion) if most in (*row[:gold], *row[gold + 1 :]))
    first = page.text.index("The commonest confusions")
    assert page.text[first:].index(f"label {gold:03d}") < 150
    assert "the 20 weakest of 200" in page.text


def test_thousand_segments_are_cut_and_counted() -> None:
    text = check(render_html(documents.many_segments())).text
    assert "of 1,000 segments none stands out, 17 with fewer than 10 rows not ranked" in text
    assert "And 900 more segments" in text


def test_absent_parts_say_why() -> None:
    text = check(render_html(documents.bare())).text
    assert "Not available. The answers hold no log probabilities. Set top_logprobs: 2 in the recipe" in text
    assert "No row has metadata" in text
    assert "No row was scored" in text
    assert "The figures" not in text
    assert "None" not in text


def test_two_runs_of_one_name_are_told_apart() -> None:
    document = documents.tickets()
    assert document.comparison is not None
    assert document.comparison.other.name in check(render_html(document)).text
    other = document.comparison.other.model_copy(update={"name": document.run.name, "folder": "output/recorded"})
    alike = document.model_copy(update={"comparison": document.comparison.model_copy(update={"other": other})})
    assert "output/recorded" in check(render_html(alike)).text


def test_missing_values_are_never_zero() -> None:
    text = check(render_html(documents.without_values())).text
    assert text.count("no value") == 2
    assert "0 of 12 rows" in text
    segments = documents.without_values().segments
    assert isinstance(segments, Segments)
    assert "no segment has 10 scored rows, so none is ranked" in text


def test_cells_of_few_rows_are_not_shaded() -> None:
    document = documents.tickets()
    assert document.heat_map is not None
    assert document.segments is not None
    cells = [cell for line in document.heat_map.cells for cell in line if cell is not None]
    small = sum(cell.n < document.segments.min_rows for cell in cells)
    text = render_html(document)
    heat = text[text.index("Two keys at once") : text.index("Failing slices")]
    assert 0 < small < len(cells)
    assert heat.count('class="num none"') == small
    assert len(re.findall('class="num w[0-6]"', heat)) == len(cells) - small


def test_tokens_of_the_label_carry_their_probability() -> None:
    text = render_html(documents.tickets())
    assert re.search(r'<bdi>soft</bdi><span class="p"><span class="vh"> probability </span>0\.402</span>', text)
    assert "⏎" not in text


def test_hostile_text_is_shown_as_text() -> None:
    page = check(render_html(documents.hostile()))
    assert "<script>alert(1)</script>" in page.text
    assert "&lt;script&gt; &amp; ]]> <!-- -->" in page.text
    assert "a �gnp.exe� b" in page.text
    assert "␀␇␛[31m" in page.text


def test_the_gate_is_marked_at_its_coverage() -> None:
    document = documents.tickets()
    assert document.confidence is not None
    coverage = document.confidence.gate.coverage
    line = re.search('<line x1="([0-9.]+)" x2="([0-9.]+)" [^>]*class="gate"', render_html(document))
    assert line is not None
    assert float(line[1]) == float(line[2]) == pytest.approx(46 + (384 - 46) * coverage, abs=0.01)
    gate = document.confidence.gate.model_copy(update={"threshold": None})
    without = document.model_copy(update={"confidence": document.confidence.model_copy(update={"gate": gate})})
    assert 'class="gate"' not in render_html(without)
