"""Lists the configuration, the models and the versions of a deployment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from scoreline.core.datasets import s3_uri
from scoreline.core.errors import (
    ModelNotFoundError,
    VersionNotFoundError,
    VersionRefusedError,
)
from scoreline.core.versions import bundle_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scoreline.api.operations_answers import (
        Config,
        CurrentModel,
        Dataset,
        LedgerEntry,
        ListedModel,
        ListedVersion,
        PromotionWatch,
        ServingModel,
        VersionDigest,
    )
    from scoreline.api.values import Status
    from scoreline.aws.ledger import Ledger
    from scoreline.aws.registry import ModelRegistry
    from scoreline.core.versions import Pointer, VersionRef, Watch
    from scoreline.governance.entry import Entry

PARALLEL_READS = 8  # each version has a manifest to read


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A read-only view of registry and ledger."""

    registry: ModelRegistry
    ledger: Ledger[Entry]

    def config(self) -> Config:
        """The deployment's bucket and routing, and for each model its champion and challenger."""
        try:
            routing = self.registry.routing()
            default, banks = routing.default, dict(routing.banks)
        except ModelNotFoundError:
            default, banks = None, {}
        pointers = self.registry.pointers()
        names = sorted(pointers.keys() | self.registry.models())
        serving = {name: self._serving(name, pointers.get(name)) for name in names}
        return {
            "stage": self.registry.settings.stage,
            "bucket": self.registry.settings.bucket,
            "default_model": default,
            **self._current(default or "", serving.get(default or "")),
            "banks": banks,
            "models": serving,
        }

    def models(self) -> list[ListedModel]:
        """Every model with a published version or a pointer."""
        versions, pointers = self.registry.all_versions(), self.registry.pointers()
        return [
            {
                "model": name,
                "champion": _champion(pointers.get(name)),
                "latest_version": max(versions.get(name, []), default=None),
                "versions": len(versions.get(name, [])),
            }
            for name in sorted(versions.keys() | pointers.keys())
        ]

    def versions(self, model: str) -> list[ListedVersion]:
        """The published versions of a model, newest first."""
        versions = self.registry.versions(model)
        if not versions:
            raise ModelNotFoundError("no version of this model is published")
        champion = _champion(self.registry.pointers().get(model))
        with ThreadPoolExecutor(PARALLEL_READS) as pool:
            manifests = list(pool.map(partial(self._manifest, model), versions))
        return [
            {
                "version": version,
                "trained_at": manifest.get("trained_at"),
                "algorithm": manifest.get("algorithm"),
                "metrics": manifest.get("metrics"),
                "status": _status(manifest),
                "champion": version == champion,
            }
            for version, manifest in zip(reversed(versions), reversed(manifests), strict=True)
        ]

    def history(self, model: str) -> list[LedgerEntry]:
        """The ledger of a model, newest first."""
        entries = self.ledger.history(model)
        if not entries and model not in self.registry.models():
            raise ModelNotFoundError("no version of this model is published")
        return [entry.to_json() for entry in reversed(entries)]

    def _current(self, model: str, serving: ServingModel | None) -> CurrentModel:
        """The default model's champion, the folder of its bundle, and its dataset."""
        if serving is None or serving["champion"] is None:
            return {"current_model": None, "model_dir": None, "dataset_path": None}
        version, dataset = serving["champion"]["version"], serving["dataset"]
        folder = s3_uri(self.registry.settings.bucket, bundle_key(model, version, ""))
        return {
            "current_model": version,
            "model_dir": folder,
            "dataset_path": dataset["path"] if dataset else None,
        }

    def _serving(self, model: str, pointer: Pointer | None) -> ServingModel:
        head = self.ledger.head(model)
        recorded = head.champion if head else None
        served = pointer.champion if pointer else None
        return {
            "champion": _ref(served) if served else None,
            "challenger": pointer.challenger if pointer else None,
            "watch": _watch(pointer.watch) if pointer and pointer.watch else None,
            "ledger_champion": recorded.version if recorded else None,
            "differs_from_ledger": served != recorded,
            "dataset": self._dataset(model, served.version) if served else None,
        }

    def _dataset(self, model: str, version: str) -> Dataset | None:
        """The dataset of a version, and whether its rows were generated."""
        dataset = self._manifest(model, version).get("dataset")
        if not isinstance(dataset, dict):
            return None
        return {"path": dataset.get("path"), "generated": bool(dataset.get("generated"))}

    def _manifest(self, model: str, version: str) -> dict[str, Any]:
        try:
            return self.registry.manifest(model, version)
        except (VersionNotFoundError, VersionRefusedError):  # a broken version is listed too
            return {}


def _status(manifest: Mapping[str, Any]) -> Status | None:
    """The status in a manifest; None without a manifest."""
    if not manifest:
        return None
    # Versions that were published before there were gates have no status.
    return "rejected" if manifest.get("status") == "rejected" else "candidate"


def _ref(ref: VersionRef) -> VersionDigest:
    return {"version": ref.version, "sha256": ref.sha256}


def _watch(watch: Watch) -> PromotionWatch:
    return {"entry": watch.entry, "until": watch.until, "shadow": _ref(watch.shadow)}


def _champion(pointer: Pointer | None) -> str | None:
    return pointer.champion.version if pointer else None
