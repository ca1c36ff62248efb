"""The checker of the built site finds what a reader would stumble over."""

import pytest

from docs import links


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setattr(links, "SITE", tmp_path)
    monkeypatch.setattr(links, "navigation_problems", list)
    (tmp_path / "other.html").write_text('<h2 id="there">There</h2>')
    return tmp_path


def problems_of(site, html):
    (site / "index.html").write_text(html)
    return links.problems()


def test_links_to_pages_anchors_and_other_sites_are_fine(site):
    html = '<a href="other.html#there">a</a> <a href="https://example.org/">b</a> <a href="#">c</a>'

    assert problems_of(site, f"{html}<i id='own'></i><a href='#own'>d</a>") == []


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ('<a href="gone.html">a</a>', "gone.html does not exist"),
        ('<a href="other.html#here">a</a>', "other.html#here has no such anchor"),
        ('<img src="picture.svg">', "picture.svg does not exist"),
        (
            '<script src="https://cdn.example/x.js"></script>',
            "loads https://cdn.example/x.js, so it does not work offline",
        ),
    ],
    ids=["page", "anchor", "picture", "script"],
)
def test_what_leads_nowhere_is_named(site, html, problem):
    assert problems_of(site, html) == [f"index.html: {problem}"]


def test_a_stylesheet_that_loads_a_font_is_named(site):
    (site / "site.css").write_text("@import url('https://fonts.example/a.css'); a { color: red }")

    [problem] = problems_of(site, "")
    assert "https://fonts.example/a.css" in problem
