from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreline.core.errors import PromotionConflictError
from scoreline.core.versions import VersionRef
from scoreline.governance.anchors import Anchor
from scoreline.governance.entry import Entry, champion_before

VERSIONS = st.sampled_from("ABCD")
ROLLBACK = "rollback"


def entry(action, version):
    return Entry(
        sequence=0,
        action=action,
        previous=None,
        champion=VersionRef(version, "0" * 64),
        who="ada",
        reason="test",
        at="2026-11-21T00:45:12+00:00",
        pointer_writes=0,
    )


@given(st.lists(VERSIONS | st.just(ROLLBACK), max_size=40))
def test_rollbacks_follow_a_stack(steps):
    entries, stack = [], []
    for step in steps:
        if step != ROLLBACK:
            if stack[-1:] != [step]:  # promoting the champion again adds no entry
                stack.append(step)
                entries.append(entry("promote", step))
            continue
        with suppress(PromotionConflictError):
            entries.append(entry("rollback", champion_before(entries).version))
        if len(stack) > 1:
            stack.pop()

        assert [e.champion.version for e in entries[-1:]] == stack[-1:]


@pytest.mark.parametrize("steps", ["", "A", "AB<", "ABC<<", "A" + "B<" * 9])
def test_there_is_no_champion_before_the_first_one(steps):
    entries = [entry("rollback", "A") if s == "<" else entry("promote", s) for s in steps]

    with pytest.raises(PromotionConflictError):
        champion_before(entries)


def test_a_version_that_was_rolled_back_is_not_returned_to():
    steps = [("promote", "A"), ("promote", "B"), ("rollback", "A"), ("promote", "C")]

    assert champion_before([entry(*step) for step in steps]).version == "A"


def test_a_repeated_rollback_returns_to_the_same_champion():
    steps = [("promote", "A"), ("promote", "B"), ("promote", "C")]
    once = [entry(*step) for step in [*steps, ("rollback", "B")]]

    again = [*once, entry("rollback", "B")]

    assert champion_before(once) == champion_before(again) == VersionRef("A", "0" * 64)


REFS = st.builds(VersionRef, version=st.text(), sha256=st.text())


AREAS = st.none() | st.floats(0, 1)
ANCHORS = st.none() | st.builds(Anchor, version=st.text(), auc=AREAS)


@given(st.builds(Entry, sequence=st.integers(1, 9), champion=REFS, anchor=ANCHORS))
def test_an_entry_reads_back_as_it_was_written(written):
    assert Entry.from_item(written.to_item()) == written
