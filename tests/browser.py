"""Looks at a page in a real Chromium, where the machine has one."""

import json
import re
import shutil
import subprocess
from html import escape, unescape

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
# What the page is like once it is laid out, as JSON in the title.
LOOK = """<script>
addEventListener("load", () => {
  const width = document.documentElement.clientWidth;
  const clipped = (e) => e.closest(".table") || e.closest("svg");
  const outside = [...document.querySelectorAll("body *")].filter(
    (e) => !clipped(e) && e.getBoundingClientRect().right > width + 1);
  const cut = [...document.querySelectorAll("svg.plot")].flatMap((svg) => {
    const box = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text")].filter((text) => {
      const place = text.getBoundingClientRect();
      return place.left < box.left - 1 || place.right > box.right + 1 ||
        place.top < box.top - 1 || place.bottom > box.bottom + 1;
    });
  });
  top.document.title = JSON.stringify({
    width,
    scrolls: document.documentElement.scrollWidth > width,
    outside: outside.map((e) => e.outerHTML.slice(0, 80)),
    cut: cut.map((e) => e.textContent),
    wide: [...document.querySelectorAll(".table")].filter(
      (e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent.trim().slice(0, 40)),
    loaded: performance.getEntriesByType("resource").map((e) => e.name),
    headings: [...document.querySelectorAll("h2")].map((e) => e.textContent),
    plots: document.querySelectorAll("svg.plot").length,
  });
});
</script>"""


def look_at(html, folder, width):
    """The page as a browser of this width shows it, and what it prints on its console."""
    path = folder / "page.html"
    # A window has at least 500 pixels, which is wider than a phone, so the page is put in a frame.
    page = escape(html.replace("</head>", f"{LOOK}</head>"))
    frame = f'<iframe style="width:{width}px; height:900px; border:0" srcdoc="{page}"></iframe>'
    path.write_text(f"<!doctype html><title></title>{frame}")
    done = _chromium(folder, "--dump-dom", path.as_uri())
    [title] = re.findall("<title>(.*?)</title>", done.stdout, re.DOTALL)[:1]
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return {**json.loads(unescape(title)), "console": console}


def printed(html, folder):
    """The page as a PDF."""
    path = folder / "page.html"
    path.write_text(html)
    pdf = folder / "page.pdf"
    _chromium(folder, f"--print-to-pdf={pdf}", "--no-pdf-header-footer", path.as_uri())
    return pdf.read_bytes()


def printed_pages(html, folder):
    """The lines of text on each printed page."""
    if not shutil.which("pdftotext"):
        pytest.skip("no pdftotext on this machine")
    printed(html, folder)
    command = ["pdftotext", "-layout", folder / "page.pdf", "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pages = [page.splitlines() for page in text.split("\f")[:-1]]
    return [[line.strip() for line in page if line.strip()] for page in pages]


def _chromium(folder, *arguments):
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.skip("no Chromium on this machine")
    return subprocess.run(
        [
            found,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            f"--user-data-dir={folder / 'profile'}",
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
