"""A report as one HTML file that needs no network, no script and no other file."""

from evalayer_lab.report.html._page import render_html

__all__ = ["render_html"]
