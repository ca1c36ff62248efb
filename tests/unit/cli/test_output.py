"""What commands read and print as JSON."""

import io
import json

import pytest

from cli.commands.scoring import _read_json
from cli.output import show
from scoreline.core.errors import MalformedRequestError


def test_half_of_a_surrogate_pair_is_printed_as_json_escapes_it(capsys):
    show({"id": "\ud800é"}, as_json=True)

    printed = capsys.readouterr().out
    assert json.loads(printed) == {"id": "\ud800é"}
    assert "é" in printed


@pytest.mark.parametrize("text", ["", "{", '{"debt": 1, "debt": 2}', "[" * 100_000, "9" * 5000])
def test_a_file_that_is_no_json_is_refused_as_a_request_would_be(text):
    with pytest.raises(MalformedRequestError, match="the file is not valid JSON"):
        _read_json(io.StringIO(text))


def test_a_file_that_is_not_utf_8_is_refused():
    file = io.TextIOWrapper(io.BytesIO(b"\xff{}"), encoding="utf-8")

    with pytest.raises(MalformedRequestError, match="the file is not UTF-8 text"):
        _read_json(file)
