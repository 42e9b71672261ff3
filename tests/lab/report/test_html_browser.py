"""The page as a reader meets it, in a headless Chromium."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.lab.report import documents
from tests.lab.report.browser import Browser, started
from tests.lab.report.colours import colours

from evalayer_lab.report import Document
from evalayer_lab.report.html import render_html

WIDTHS = (360, 390, 768, 1280)
PAGES: dict[str, Callable[[], Document]] = {
    "tickets": documents.tickets,
    "hostile": documents.hostile,
    "bare": documents.bare,
    "many_segments": documents.many_segments,
    "many_labels": documents.many_labels,
}
CONTRASTS = """
const parse = text => { const p = text.match(/[0-9.]+/g).map(Number); return p.length > 3 && p[3] === 0 ? null : p; };
const linear = part => { part /= 255; return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; };
const luminance = p => 0.2126 * linear(p[0]) + 0.7152 * linear(p[1]) + 0.0722 * linear(p[2]);
const ground = node => { for (; node; node = node.parentElement) {
  const colour = parse(getComputedStyle(node).backgroundColor); if (colour) return colour; } return [255, 255, 255]; };
const poor = [];
for (const node of document.querySelectorAll('body *')) {
  if (![...node.childNodes].some(child => child.nodeType === 3 && child.data.trim())) continue;
  if (node.closest('title, desc, .vh')) continue;
  const style = getComputedStyle(node), text = parse(node.closest('svg') ? style.fill : style.color);
  const [high, low] = [luminance(text), luminance(ground(node))].sort((a, b) => b - a);
  const ratio = (high + 0.05) / (low + 0.05);
  if (ratio < 4.5) poor.push([ratio, node.tagName, node.getAttribute('class'), node.textContent.slice(0, 30)]);
}
return poor;
"""


@pytest.fixture(scope="module")
def browser(require: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with started(require("chromium"), require("chromedriver"), tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, make in PAGES.items():
        (folder / f"{name}.html").write_text(render_html(make()), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in PAGES}


@pytest.mark.parametrize("name", PAGES)
def test_page_asks_for_nothing_and_never_scrolls_sideways(browser: Browser, pages: dict[str, Path], name: str) -> None:
    browser.open(pages[name])
    for width in WIDTHS:
        browser.resize(width)
        for opened in (False, True):
            browser.ask("for (const each of document.querySelectorAll('details')) each.open = arguments[0]", opened)
            whole, seen = browser.ask(
                "const page = document.documentElement; return [page.scrollWidth, page.clientWidth]"
            )
            assert whole <= seen, (width, opened)
    assert browser.complaints() == []
    assert browser.requests() == [pages[name].as_uri()]
    assert browser.ask("return document.querySelectorAll('script, img, iframe, object, embed, form').length") == 0


def test_what_a_page_forbids_is_blocked(browser: Browser, tmp_path: Path) -> None:
    """Text that got past the escaping could still run and fetch nothing."""
    file = tmp_path / "broken.html"
    attack = "<script>document.title = 'hacked'</script><img src='https://example.invalid/x.png'></body>"
    file.write_text(render_html(documents.bare()).replace("</body>", attack), encoding="utf-8")
    browser.open(file)
    assert browser.ask("return document.title") == "bare: evaluation report"
    assert browser.requests() == [file.as_uri()]
    assert len([said for said in browser.complaints() if "Content Security Policy" in said]) == 2


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read(browser: Browser, pages: dict[str, Path], *, dark: bool) -> None:
    browser.open(pages["tickets"], dark=dark)
    browser.ask("for (const each of document.querySelectorAll('details')) each.open = true")
    assert browser.ask(CONTRASTS) == []
    theme = colours(pages["tickets"].read_text(encoding="utf-8"), dark=dark)
    shown = browser.ask("const style = getComputedStyle(document.body); return [style.backgroundColor, style.color]")
    assert [_hex(colour) for colour in shown] == [theme["paper"], theme["ink"]]


def test_a_text_of_poor_contrast_would_be_found(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["bare"])
    browser.ask(
        "document.querySelector('h1').setAttribute('class', 'w4'); document.body.style.setProperty('--ink', '#999')"
    )
    assert browser.ask(CONTRASTS) != []


def test_every_drawing_table_and_part_has_a_name(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["tickets"])
    drawings, tables, regions = browser.ask(
        """
        const named = id => id && document.getElementById(id)?.textContent.trim();
        return [
          [...document.querySelectorAll('svg')].map(each =>
            each.role === 'img' && !!(each.ariaLabel || named(each.getAttribute('aria-labelledby')))),
          [...document.querySelectorAll('table')].map(each => !!each.caption?.textContent.trim()
            && [...each.querySelectorAll('th')].every(head => ['row', 'col'].includes(head.scope))
            && [...each.rows].every(row => row.cells.length === each.rows[0].cells.length)),
          [...document.querySelectorAll('section, article, nav')].map(each =>
            !!(each.ariaLabel || named(each.getAttribute('aria-labelledby')))),
        ];
        """
    )
    for found in (drawings, tables, regions):
        assert len(found) >= 10
        assert all(found)
    count = "return ['header', 'nav', 'main', 'footer'].map(tag => document.querySelectorAll('body ' + tag).length)"
    assert browser.ask(count) == [1, 1, 1, 1]


def test_charts_have_their_numbers_as_a_table(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["tickets"])
    rows = "each => each.querySelectorAll('details tbody tr').length"
    assert browser.ask(f"return [...document.querySelectorAll('figure:has(svg.chart)')].map({rows})") == [15, 20, 20]


def test_keyboard_reaches_every_control_in_the_order_of_the_page(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["tickets"])
    expected = browser.ask(
        """
        const controls = [...document.querySelectorAll('a[href], summary, [tabindex="0"]')];
        const all = controls.filter(each => each.checkVisibility());
        all.forEach((each, index) => { each.dataset.order = index; });
        return all.length;
        """
    )
    reached = []
    focused = "const on = document.activeElement; return [on.dataset.order, getComputedStyle(on).outlineStyle]"
    for _ in range(expected):
        browser.press("Tab")
        order, outline = browser.ask(focused)
        assert outline == "solid", order
        reached.append(int(order))
    assert reached == list(range(expected))


def test_skip_link_leads_to_the_findings(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["tickets"])
    browser.press("Tab")
    top, text = browser.ask(
        "const on = document.activeElement; return [on.getBoundingClientRect().top, on.textContent]"
    )
    assert text == "Skip to the findings"
    assert top >= 0
    browser.press("Enter")
    assert browser.ask("return location.hash") == "#findings"


def test_details_open_without_script_and_on_paper(browser: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    browser.open(pages["tickets"])
    assert browser.ask("return document.querySelectorAll('details[open]').length") == 0
    browser.ask("document.querySelector('#examples summary').focus()")
    browser.press("Enter")
    assert browser.ask("return document.querySelector('#examples details').open")
    browser.open(pages["tickets"], dark=True)
    browser.print(tmp_path / "report.pdf")
    printed = (tmp_path / "report.pdf").read_bytes()
    assert printed.startswith(b"%PDF")
    assert b"/Subtype /Image" not in printed
    browser.media("print")
    browser.resize(680)  # A4 without its margins
    cut_off = (
        "return [...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth).length"
    )
    assert browser.ask(cut_off) == 0
    seen = browser.ask("return [...document.querySelectorAll('pre')].map(each => each.checkVisibility())")
    paper = browser.ask("return getComputedStyle(document.body).backgroundColor")
    browser.media("screen")
    assert len(seen) > 5
    assert all(seen)
    assert _hex(paper) == colours(pages["tickets"].read_text(encoding="utf-8"))["paper"]


def _hex(colour: str) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in itertools.islice(re.findall("[0-9]+", colour), 3))
