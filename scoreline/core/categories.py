"""The spellings that a category takes, and their codes: the same in training, batch and serving."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scoreline.core.features import UNSEEN_CATEGORY

if TYPE_CHECKING:
    from scoreline.core.features import Feature

# Longer numbers are texts: Python refuses to read thousands of digits.
_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_DECIMAL_ZEROS = re.compile(r"(-?(?:0|[1-9][0-9]{0,17}))\.0+")


def comparable(text: str, feature: Feature) -> str:
    """The text as it is compared with the listed categories.

    `normalize = "case and spaces"` folds the case, leaves outer white space out, and takes inner
    white space as one space.
    """
    return " ".join(text.casefold().split()) if feature.normalize else text


class CategoryCodes:
    """Codes of a feature's categories by every spelling of them.

    Attributes
    ----------
    exact : text -> code of every listed category and alias, as they are written
    numbers : number -> code, where all listed categories are whole numbers; empty otherwise.
        Aliases that are whole numbers are among them
    """

    def __init__(self, feature: Feature) -> None:
        self._feature = feature
        codes = {category: float(code) for code, category in enumerate(feature.categories)}
        aliases = {
            spelling: codes[category]
            for spelling, category in (feature.category_aliases or {}).items()
        }
        # Nearly all texts are found as they are written, without the cost of normalising them.
        self.exact = codes | aliases
        self._codes = {comparable(text, feature): code for text, code in self.exact.items()}
        are_numbers = all(_WHOLE_NUMBER.fullmatch(category) for category in feature.categories)
        numbers = {int(t): code for t, code in self.exact.items() if _WHOLE_NUMBER.fullmatch(t)}
        self.numbers = numbers if are_numbers else {}

    def code(self, text: str) -> float:
        """The code of a text, UNSEEN_CATEGORY where it is no spelling of a listed category."""
        return self._codes.get(comparable(text, self._feature), UNSEEN_CATEGORY)

    def code_of_cell(self, text: str) -> float:
        """The code of a text in a file whose numbers are texts: 1 may be written as 1.0."""
        code = self.code(text)
        if code != UNSEEN_CATEGORY or not self.numbers:
            return code
        number = _DECIMAL_ZEROS.fullmatch(comparable(text, self._feature))
        return self.numbers.get(int(number[1]), UNSEEN_CATEGORY) if number else UNSEEN_CATEGORY

    def is_blank(self, text: str) -> bool:
        """Whether a text names nothing."""
        return comparable(text, self._feature) == ""
