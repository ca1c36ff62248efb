"""The documents at the root are short and lead somewhere; pages made from code are up to date."""

import re

import pytest
import yaml

from docs import links
from docs.reference.__main__ import stale
from local.template import ROOT

DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
PATH = re.compile(r"`((?:[\w.-]+/)+(?:[\w-]+\.\w+)?)`")
NAME = re.compile(r"`(_?[A-Za-z]\w*)(?:\.\w+)?`")
CODE = ("batch", "bench", "cli", "features", "functions", "local", "scoreline", "tests", "training")
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_the_readme_is_one_page():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_of_a_document_leads_to_a_file(name):
    text = re.sub(r"^```.*?^```", "", (ROOT / name).read_text(), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)

    assert [link for link in found if not (ROOT / link).is_file()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_path_that_a_page_names_exists(page):
    named = {name for name in PATH.findall(page.read_text()) if name.startswith(CODE)}

    assert sorted(name for name in named if not (ROOT / name).exists()) == []


@pytest.mark.parametrize("name", ["graph", "architecture"])
def test_every_name_that_a_page_about_code_names_is_in_the_code(name):
    files = [path for folder in CODE for path in (ROOT / folder).rglob("*.py")]
    words = set(re.findall(r"\w+", " ".join(path.read_text() for path in files)))

    assert set(NAME.findall((ROOT / "docs" / f"{name}.md").read_text())) <= words


def test_the_page_about_the_method_names_every_file_of_the_graphs():
    table = (ROOT / "docs" / "graph.md").read_text().partition("## Which file does what")[2]
    files = {path.name for path in (ROOT / "training/graph").glob("*.py")} - {"__init__.py"}

    assert set(re.findall(r"`(\w+\.py)`", table)) == files


def test_pages_made_from_code_are_up_to_date():
    assert stale() == []


def test_every_page_is_in_the_navigation():
    assert list(links.navigation_problems()) == []


def test_the_workflow_calls_nothing_but_make():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    [job] = workflow["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]

    assert commands == ["make ${{ matrix.target }}"]
    assert set(job["strategy"]["matrix"]["target"]) <= TARGETS


def test_the_hooks_are_local_and_call_make():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]

    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    assert {hook["entry"].split()[0] for hook in hooks} == {"make"}
    assert {hook["entry"].split()[1] for hook in hooks} <= TARGETS
