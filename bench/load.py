"""Closed-loop load over HTTP: wrk where it is installed (Debian has it), else a small one of ours.

Ours costs several times the processor time that wrk does, on the processors that it measures.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from itertools import cycle
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PATIENCE_S = 20  # for an answer
SCRIPT = """
wrk.method, wrk.headers["Content-Type"] = "POST", "application/json"
local bodies, i = {{ {bodies} }}, 0
request = function() i = i % #bodies + 1; return wrk.format(nil, nil, nil, bodies[i]) end
done = function(summary, latency)
  io.write(string.format("FIGURES %f %f %f %d %d\\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


def generator() -> str:
    """What makes the load."""
    return "wrk" if shutil.which("wrk") else "asyncio"


@dataclass(frozen=True, slots=True)
class Load:
    """So many connections, each of which asks again as soon as it has its answer."""

    connections: int
    seconds: int

    def on(self, url: str, bodies: Sequence[Any], script: Path) -> dict[str, float]:
        """Requests per second and latencies in ms of JSON bodies, all answered by 200.

        Parameters
        ----------
        script : a file to write to
        """
        texts = [json.dumps(body) for body in bodies]
        if generator() == "wrk":
            found = _by_wrk(self, url, texts, script)
        else:
            found = asyncio.run(_by_asyncio(self, url, texts))
        return dict(zip(("requests_per_second", "median_ms", "p99_ms"), found, strict=True))

    @property
    def timeout(self) -> int:
        """Seconds after which it has failed."""
        return self.seconds + 2 * PATIENCE_S


def _by_wrk(
    load: Load, url: str, bodies: Sequence[str], script: Path
) -> tuple[float, float, float]:
    script.write_text(SCRIPT.format(bodies=", ".join(f"[==[{body}]==]" for body in bodies)))
    options = [f"-c{load.connections}", f"-d{load.seconds}s", f"--timeout={PATIENCE_S}s"]
    done = subprocess.run(
        ["wrk", "-t1", *options, "--script", str(script), url],
        capture_output=True,
        text=True,
        check=True,
        timeout=load.timeout,
    )
    found = re.search(r"FIGURES (\S+) (\S+) (\S+) (\d+) (\d+)", done.stdout)
    assert found, done.stdout
    rate, median, p99, refused, broken = (float(value) for value in found.groups())
    assert refused == broken == 0, done.stdout
    return rate, median, p99


async def _by_asyncio(load: Load, url: str, bodies: Sequence[str]) -> tuple[float, float, float]:
    where = urlsplit(url)
    head = f"POST {where.path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/json"
    requests = cycle(
        [f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode() for body in bodies]
    )
    times: list[float] = []
    started = perf_counter()
    async with asyncio.timeout(load.timeout), asyncio.TaskGroup() as clients:
        for _ in range(load.connections):
            client = _ask(where.hostname, where.port, requests, started + load.seconds, times)
            clients.create_task(client)
    median, p99 = (1e3 * float(np.percentile(times, part)) for part in (50, 99))
    return len(times) / (perf_counter() - started), median, p99


async def _ask(
    host: str | None, port: int | None, requests: Iterator[bytes], end: float, times: list[float]
) -> None:
    """Ask on one connection, opened again whenever the service closes it."""
    writer = None
    while (started := perf_counter()) < end:
        if writer is None:
            reader, writer = await asyncio.open_connection(host, port)
        writer.write(next(requests))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert b" 200 " in head.split(b"\r\n", 1)[0], head
        length = re.search(rb"content-length: *(\d+)", head)
        assert length, head
        await reader.readexactly(int(length[1]))
        times.append(perf_counter() - started)
        if b"connection: close" in head:
            writer.close()
            writer = None
