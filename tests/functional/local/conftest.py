import asyncio
import re

import httpx
import pytest

from local.environment import read_template
from local.front import create_app
from local.template import TEMPLATE_PATH


class Front:
    """The front's application, asked without a socket."""

    def __init__(self, template):
        self._app = create_app(template)

    def request(self, method, path, **arguments):
        async def ask():
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://local") as client:
                return await client.request(method, path, **arguments)

        return asyncio.run(ask())

    def get(self, path, **arguments):
        return self.request("GET", path, **arguments)

    def post(self, path, **arguments):
        return self.request("POST", path, **arguments)


@pytest.fixture
def front(tmp_path):
    """The front with stand-ins that answer with what they are sent."""
    text = TEMPLATE_PATH.read_text()
    for name, standin in {"predict": "http", "admin": "predict"}.items():
        handler = rf"functions\.{name}\.\w+\.lambda_handler"
        text, replaced = re.subn(handler, f"tests.standins.{standin}", text)
        assert replaced == 1
    path = tmp_path / "template.yaml"
    path.write_text(text)
    return Front(read_template(path))


@pytest.fixture
def real_front(endpoint):
    """The front with the real handlers."""
    return Front(read_template())
