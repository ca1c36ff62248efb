"""Features of returning customers: the bank looks them up by customer, clients never send them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from scoreline.api.fields import BROKEN
from scoreline.api.scoring_requests import CUSTOMER
from scoreline.core.errors import (
    FeaturesInvalidError,
    FeaturesUnavailableError,
    FieldError,
    InvalidApplicationError,
    RegistryUnavailableError,
)
from scoreline.core.json_text import read_json
from scoreline.scoring.application import NO_HISTORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from scoreline.api.scoring_answers import HistoryPart, LookedUpFeatures
    from scoreline.scoring.model import EncodedApplication, ScoringModel

    # (table, key) -> the item with plain values, {} if there is no item
    type GetItem = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
    type FindHistory = Callable[[ScoringModel, str | int | None], History]

NOTHING_SHOWN: HistoryPart = {}
_SECONDS_A_DAY = 86_400


class History(NamedTuple):
    """The online features of a customer.

    Attributes
    ----------
    values : online feature -> its value, for those that were found
    shown : the part of the answer that tells what was found
    """

    values: Mapping[str, Any] = NO_HISTORY
    shown: HistoryPart = NOTHING_SHOWN


class Applicant(NamedTuple):
    """An application and its row, and the part of the answer that tells what was looked up."""

    application: Mapping[str, Any]
    row: Sequence[float]
    shown: HistoryPart = NOTHING_SHOWN

    @property
    def encoded(self) -> EncodedApplication:
        """The application and its row."""
        return self.application, self.row


class OnlineFeatures:
    """Looks up the online features of customers, for models that have such features."""

    def __init__(
        self,
        table: str,
        get_item: GetItem,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._table = table
        self._get_item = get_item
        self._clock = clock

    def applicant(self, model: ScoringModel, body: Mapping[str, Any]) -> Applicant:
        """The applicant of a request: its fields, or `{"customer_id", "application"}`.

        Raises
        ------
        InvalidApplicationError
            Every broken rule of the request, before anything is looked up.
        FeaturesUnavailableError
            The table does not answer.
        FeaturesInvalidError
            The customer's record is damaged, or its values break the contract.
        """
        if not model.contract.pipeline:
            return Applicant(body, model.encoder.encode(body))
        broken = tuple(_broken_rules(model, body))
        if broken:
            raise InvalidApplicationError(BROKEN, broken)
        # Encoded again with the history: a broken application must not cost a look-up.
        application, history = body["application"], self.look_up(model, body.get("customer_id"))
        row = model.encoder.encode(application, history.values)
        return Applicant(application, row, history.shown)

    def look_up(self, model: ScoringModel, customer_id: str | int | None) -> History:
        """The history of a customer; nothing is found for unknown customers and for None."""
        if not model.contract.pipeline:
            return History()
        customer = None if customer_id is None else str(customer_id)
        item = {} if customer is None else self._item(customer, model.contract.pipeline)
        found = _online_values(model, item)
        features: LookedUpFeatures = {
            "customer_id": customer,
            "found": list(found),
            "as_of": item.get("as_of"),
            "age_days": self._age_days(item),
        }
        return History(found, {"features": features})

    def _item(self, customer: str, pipeline: str) -> Mapping[str, Any]:
        try:
            return self._get_item(self._table, {"customer": customer, "pipeline": pipeline})
        except RegistryUnavailableError as error:
            problem = f"the customer's features cannot be looked up: {error.message}"
            raise FeaturesUnavailableError(problem) from error

    def _age_days(self, item: Mapping[str, Any]) -> float | None:
        if not item:
            return None
        try:
            age = self._clock() - datetime.fromisoformat(item["as_of"])
        except (KeyError, TypeError, ValueError, OverflowError):
            raise FeaturesInvalidError("the customer's features have no valid as_of") from None
        return round(age.total_seconds() / _SECONDS_A_DAY, 2)


def no_history(_model: ScoringModel, _customer_id: str | int | None) -> History:
    """Look-up for callers that have no table of online features."""
    return History()


def _online_values(model: ScoringModel, item: Mapping[str, Any]) -> dict[str, Any]:
    """The model's online features that the item has, in the contract's order."""
    if not item:
        return {}
    try:
        values = read_json(item["features"])
    except (KeyError, TypeError, ValueError):
        values = None
    if not isinstance(values, dict):
        raise FeaturesInvalidError("the customer's features are no JSON object")
    online = (feature.name for feature in model.contract.features if feature.online)
    return {name: values[name] for name in online if values.get(name) is not None}


def _broken_rules(model: ScoringModel, body: Mapping[str, Any]) -> Iterator[FieldError]:
    yield from CUSTOMER.problems(body)
    application = body.get("application")
    if isinstance(application, dict):
        try:
            model.encoder.encode(application)
        except InvalidApplicationError as error:
            for broken in error.fields:
                yield FieldError(f"application.{broken.field}", broken.rule)
