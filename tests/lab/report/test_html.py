from __future__ import annotations

import base64
import hashlib
import html
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lab.report import documents

from evalayer_lab import report
from evalayer_lab.report import Document, write
from evalayer_lab.report.html import render_html

ODD: dict[str, Callable[[], Document]] = {
    "tickets": documents.tickets,
    "bare": documents.bare,
    "one row": documents.one_row,
    "without values": documents.without_values,
    "40 labels": documents.many_labels,
    "200 segments": documents.many_segments,
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
        places = (value for each in root.iter() for name, value in each.items() if name in {"x", "x1", "x2", "cx"})
        assert all(0 <= float(place.removesuffix("%")) <= 100 for place in places if place.endswith("%"))
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


@given(st.one_of(st.sampled_from(documents.HOSTILE), st.text()))
def test_text_of_the_data_never_becomes_markup(text: str) -> None:
    document = documents.bare()
    run = document.run.model_copy(update={"name": text, "task": text})
    check(render_html(document.model_copy(update={"run": run, "notes": (text, f"run `{text}` now")})))


def test_code_in_sentences() -> None:
    document = documents.bare().model_copy(update={"notes": ("run `a <b>` now", "one ` alone")})
    text = render_html(document)
    assert "<li>run <code>a &lt;b&gt;</code> now</li>" in text
    assert "<li>one ` alone</li>" in text


def test_long_names_keep_both_ends() -> None:
    document = documents.bare()
    run = document.run.model_copy(update={"name": "first" + "x" * 500 + "last"})
    title = re.search("<title>(.*?)</title>", render_html(document.model_copy(update={"run": run})))
    assert title is not None
    assert re.fullmatch("first.*….*last: evaluation report", title[1])
    assert len(title[1]) < 150


def test_equal_documents_give_equal_texts() -> None:
    document = documents.tickets()
    again = Document.model_validate_json(document.model_dump_json())
    assert again is not document
    assert render_html(document) == render_html(again)
    assert render_html(document) != render_html(document.model_copy(update={"notes": ("another",)}))


def test_size_does_not_depend_on_the_number_of_rows() -> None:
    few, many = (len(render_html(documents.tickets(n)).encode()) for n in (400, 2000))
    assert many < 1.2 * few < 200_000


def test_longest_texts_stay_within_the_bound() -> None:
    word = "\u202e" * 100_000
    document = documents.tickets()
    example = next(each for each in document.examples if each.tokens)
    tokens = tuple(each.model_copy(update={"text": word}) for each in example.tokens * 50)
    texts = dict.fromkeys(("why", "prompt", "answer", "gold"), word)
    metadata = {f"{word}{index}": word for index in range(50)}
    finding = document.findings[0].model_copy(update={"kind": word, "sentence": word, "next_step": word})
    examples = tuple(
        example.model_copy(update={"id": str(index), "metadata": metadata, "tokens": tokens} | texts)
        for index in range(500)
    )
    longest = document.model_copy(
        update={
            "examples": examples,
            "findings": (finding,) * 500,
            "notes": (word,) * 500,
            "assumptions": (word,) * 500,
        }
    )
    page = check(render_html(longest))
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


def test_a_section_and_its_drawing_have_one_name() -> None:
    room = Path(str(report.__file__)).parent
    sections, drawn = ({file.stem for file in (room / folder).glob("[a-z]*.py")} for folder in ("sections", "html"))
    assert sections == drawn


def test_every_section_of_the_report_is_drawn() -> None:
    page = check(render_html(documents.tickets()))
    sections = {"figures", "comparison", "labels", "confidence", "segments", "errors", "metrics", "rows", "methods"}
    assert sections < set(page.ids)


def test_findings_come_first_and_link_to_their_rows() -> None:
    document = documents.tickets()
    text = render_html(document)
    places = [text.index(f"{html.escape(each.sentence, quote=False)}</p>") for each in document.findings]
    assert places == sorted(places)
    assert places[-1] < text.index('id="figures"')
    second = text[places[0] : places[1]]
    ids = [each.id for each in document.examples]
    assert re.findall('href="(.*?)"', second) == [
        f"#example-{ids.index(name) + 1}" for name in document.findings[0].examples
    ]
    assert re.search(f'<article id="example-2".*?{ids[1]}', text, re.DOTALL)


def test_next_step_is_said_once() -> None:
    document = documents.tickets()
    first = document.findings[0]
    text = check(render_html(document)).text
    assert text.count(first.next_step) == 1


def test_sections_link_to_how_they_were_computed() -> None:
    document = documents.tickets()
    text = render_html(document)
    methods = re.findall('class="computed"><a href="#(.*?)">', text)
    assert len(methods) == len(set(methods)) == 6
    number = list(document.methods).index("confidence") + 1
    assert f"method-{number}" in methods
    assert re.search(f'id="method-{number}"><dt><bdi>Confidence</bdi></dt><dd>The label\'s tokens', text)


def test_every_figure_of_a_card_is_in_the_page() -> None:
    document = documents.tickets()
    text = check(render_html(document)).text
    accuracy = document.classifications[0].figures["accuracy"]
    ends = f"{accuracy.low:.3f} to {accuracy.high:.3f}"
    assert re.search(rf"Accuracy{accuracy.value:.3f}.{{0,40}}{ends}95% interval, Wilson404 of 422 rows", text)
    grade = next(each for each in document.metrics if each.name == "grade")
    bounds = f"Between {grade.worst:.3f} and {grade.best:.3f} if the unscored rows are counted at their worst and best."
    assert bounds in text


def test_confusion_matrix_gives_counts_and_shares_of_rows() -> None:
    document = documents.tickets()
    counts = document.classifications[0].confusion[0]
    row = re.search(r'<th scope="row" class="text"><bdi>access</bdi></th>(.*?)</tr>', render_html(document))
    assert row is not None
    cells = re.findall("<td class=.num(.*?)</td>", row[1])
    assert len(cells) == len(counts) + 1
    assert [int(re.sub(".*class=.n.>([0-9]+)<.*", r"\1", cell)) for cell in cells[:-1]] == list(counts)
    assert [("diagonal" in cell) for cell in cells[:-1]] == [True, False, False, False]
    assert write.percent(counts[0] / sum(counts)) in cells[0]


def test_many_labels_fall_back_to_the_commonest_confusions() -> None:
    document = documents.many_labels()
    page = check(render_html(document))
    confusion = document.classifications[0].confusion
    most = max(n for gold, row in enumerate(confusion) for predicted, n in enumerate(row) if predicted != gold)
    gold = next(gold for gold, row in enumerate(confusion) if most in (*row[:gold], *row[gold + 1 :]))
    first = page.text.index("The most common confusions")
    assert page.text[first:].index(f"label {gold:03d}") < 150
    assert "the 20 weakest of 40" in page.text


def test_many_segments_are_cut_and_counted() -> None:
    document = documents.many_segments()
    assert document.segments is not None
    ranked, small = document.segments.n_ranked, document.segments.too_small
    text = check(render_html(document)).text
    assert ranked > 150
    assert f"none of {ranked} segments stands out; {small} with fewer than 10 rows are not ranked" in text
    assert f"And {ranked - 100} more segments" in text


def test_absent_parts_say_why() -> None:
    text = check(render_html(documents.bare())).text
    assert "Not available. No metric is 0 or 1 on every row" in text
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
    assert text.count("no value") == 3
    assert text.count("0 of 12 rows") == 3


def test_segments_that_are_too_small_are_said_to_be() -> None:
    text = check(render_html(documents.one_row())).text
    assert "no segment has 10 scored rows, so none is ranked" in text


def test_marks_say_on_which_side_of_the_whole_they_lie() -> None:
    document = documents.tickets()
    assert document.segments is not None
    whole = f"{document.segments.whole.value:.3f}"
    text = render_html(document)
    forest = text[text.index("Segments, weakest first") : text.index("Two keys at once")]
    sides = re.findall(r"<title>The interval (lies below|lies above|holds) ([0-9.]+)</title>", forest)
    assert {value for _, value in sides} == {whole}
    flags = [
        "lies below" if (each.estimate.high or 1) < (document.segments.whole.value or 0)
        else "lies above" if (each.estimate.low or 0) > (document.segments.whole.value or 0)
        else "holds"
        for each in document.segments.ranked
    ]  # fmt: skip
    assert [side for side, _ in sides] == flags
    assert len(set(flags)) == 3


def test_hatching_stays_within_its_bar() -> None:
    bars = re.findall(
        '<rect x="([0-9.]+)" y="([0-9.]+)" width="([0-9.]+)" height="([0-9.]+)" class="hatched"></rect>'
        '<path d="([^"]+)" class="hatching">',
        render_html(documents.tickets()),
    )
    assert len(bars) > 5
    for bar in bars:
        x, y, width, height = map(float, bar[:4])
        points = [(float(across), float(down)) for across, down in re.findall("([0-9.]+),([0-9.]+)", bar[4])]
        assert all(x - 0.06 <= across <= x + width + 0.06 for across, _ in points)
        assert all(y - 0.06 <= down <= y + height + 0.06 for _, down in points)
        assert abs(len(points) / 2 - (width + height) / 5) <= 1


def test_cells_of_few_rows_are_not_shaded() -> None:
    document = documents.tickets(100)
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
    token = next(each for example in documents.tickets().examples for each in example.tokens if each.in_label)
    said = f'<bdi>{token.text}</bdi><span class="p"><span class="vh"> probability </span>{token.probability:.3f}</span>'
    assert said in text
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
