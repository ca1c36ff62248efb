"""The demo model: real applicants of a German bank, trained, promoted and scored on a laptop."""

from __future__ import annotations

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cli.deployment import Deployment, use_stack
from cli.output import remark, stdout
from cli.seed_data import DEMO_MODEL as MODEL
from cli.seeding import seed
from local.environment import STAGE
from local.stack import STATE_DIR, Stack
from scoreline.core.versions import REPORT_FILE

if TYPE_CHECKING:
    import httpx

REPORT_PATH = STATE_DIR / "demo" / REPORT_FILE

APPLICATION = {
    "checking_account": "0 <= ... < 200 DM",
    "duration_months": 36,
    "credit_history": "existing credits paid back duly till now",
    "purpose": "car (new)",
    "credit_amount_dm": 6500,
    "savings": "... < 100 DM",
    "employment_since": "1 <= ... < 4 years",
    "installment_rate": 3,
    "other_debtors": "none",
    "residence_since": 2,
    "property": "car or other, not in attribute Savings account/bonds",
    "other_installment_plans": "none",
    "housing": "rent",
    "existing_credits": 1,
    "job": "skilled employee / official",
    "dependants": 1,
    "telephone": "none",
}
APPLICATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "one application": ("/predict", {"id": "demo-1", **APPLICATION}),
    "a batch of two": (
        f"/models/{MODEL}/predict/batch",
        {
            "applications": [
                {"id": "demo-2", **APPLICATION, "checking_account": "no checking account"},
                {"id": "demo-3", **APPLICATION, "duration_months": "36", "housing": "castle"},
            ]
        },
    ),
}


def run_demo() -> None:
    """Train, promote and score in a temporary stack on free ports."""
    started = time.monotonic()

    def progress(step: str) -> None:
        remark(f"[{time.monotonic() - started:5.1f} s] {step}")

    progress("starting the local stack")
    with (
        TemporaryDirectory(prefix="scoreline-demo-") as folder,
        Stack(http_port=0, aws_port=0, state_dir=Path(folder)) as stack,
    ):
        use_stack(aws_url=stack.aws_url, http_url=stack.http_url)
        deployment = Deployment.connect(STAGE)
        seed(deployment, MODEL, progress)
        version = _score(stack.http_url)
        report = deployment.registry.read(MODEL, version["version"], REPORT_FILE)
        progress("stopping")
    REPORT_PATH.parent.mkdir(parents=True, exist_ok=True)
    REPORT_PATH.write_bytes(report)
    _summarise(version, time.monotonic() - started)


def _score(url: str) -> dict[str, Any]:
    """Send the applications, print the answers, and return the version that gave them."""
    import httpx

    with httpx.Client(base_url=url, timeout=30) as client:
        for title, (path, body) in APPLICATIONS.items():
            _exchange(client, title, path, body)
        [version] = client.get(f"/models/{MODEL}/versions").json()["versions"]
    return dict(version)


def _exchange(client: httpx.Client, title: str, path: str, body: dict[str, Any]) -> None:
    response = client.post(path, json=body)
    out = stdout()
    out.rule(title)
    out.print(f"POST {path}")
    out.print_json(json.dumps(body))
    out.print(f"HTTP {response.status_code}")
    out.print_json(response.text)


def _summarise(version: dict[str, Any], elapsed_s: float) -> None:
    auc, out = version["metrics"]["auc"], stdout()
    out.print(f"Test AUC  {auc['value']:.4f} (95 %: {auc['low']:.4f} to {auc['high']:.4f})")
    out.print(f"Version   {version['version']}")
    out.print(f"Report    {REPORT_PATH.resolve()}")
    out.print(f"Elapsed   {elapsed_s:.0f} s")
