import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EVENTS = {path.stem for path in (ROOT / "events").glob("*.json")}
TESTS = "\n".join(
    path.read_text() for path in sorted((ROOT / "tests").rglob("*.py")) if path != Path(__file__)
)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_an_event_is_used_by_a_test(name):
    assert re.search(rf"""["'](?:events/)?{re.escape(name)}(?:\.json)?["']""", TESTS)


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r'load_event\("([^"]+?)(?:\.json)?"\)', TESTS)))
)
def test_an_event_that_a_test_loads_is_there(name):
    assert name in EVENTS
