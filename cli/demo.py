"""The demo model: real applicants of a German bank, trained, promoted and scored on a laptop."""

from __future__ import annotations

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import httpx

from cli.deployment import Deployment, use_stack
from cli.seeding import DEMO_MODEL as MODEL
from cli.seeding import seed
from local.environment import STAGE
from local.stack import Stack
from local.template import ROOT
from scoreline.core.versions import REPORT_FILE

if TYPE_CHECKING:
    from rich.console import Console

REPORT_PATH = ROOT / ".scoreline" / "demo" / REPORT_FILE

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


def run_demo(out: Console, err: Console) -> None:
    """The main job from nothing, in a stack of its own on free ports that is gone afterwards."""
    started = time.monotonic()

    def progress(step: str) -> None:
        err.print(f"[{time.monotonic() - started:5.1f} s] {step}", markup=False, highlight=False)

    progress("starting the local stack")
    with (
        TemporaryDirectory(prefix="scoreline-demo-") as folder,
        Stack(http_port=0, aws_port=0, state_dir=Path(folder)) as stack,
    ):
        use_stack(aws_url=stack.aws_url, http_url=stack.http_url)
        deployment = Deployment.connect(STAGE)
        seed(deployment, MODEL, progress)
        with httpx.Client(base_url=stack.http_url, timeout=30) as client:
            for title, (path, body) in APPLICATIONS.items():
                _show(out, client, title, path, body)
            [version] = client.get(f"/models/{MODEL}/versions").json()["versions"]
        report = deployment.registry.read(MODEL, version["version"], REPORT_FILE)
        progress("stopping")
    REPORT_PATH.parent.mkdir(parents=True, exist_ok=True)
    REPORT_PATH.write_bytes(report)
    auc = version["metrics"]["auc"]
    out.print(f"Test AUC  {auc['value']:.4f} (95 %: {auc['low']:.4f} to {auc['high']:.4f})")
    out.print(f"Version   {version['version']}")
    out.print(f"Report    {REPORT_PATH}")
    out.print(f"Took      {time.monotonic() - started:.0f} s")


def _show(out: Console, client: httpx.Client, title: str, path: str, body: dict[str, Any]) -> None:
    response = client.post(path, json=body)
    out.rule(title)
    out.print(f"POST {path}", markup=False)
    out.print_json(json.dumps(body))
    out.print(f"HTTP {response.status_code}", markup=False)
    out.print_json(response.text)
