"""What entity and text teachers share: checks of their settings, the schedule of alpha, and pickling."""

from collections.abc import Iterable, Iterator
from itertools import repeat

from ..errors import check_range


class NotSerialized:
    """Becomes None when the pipeline is pickled: a saved pipeline has no teacher."""

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """Pickle as None."""
        return type(None), ()


def check_weights(alpha: object, temperature: float, texts_share: float, alternatives: str) -> None:
    """Check the settings that weigh gold and teacher against each other.

    Args:
        alpha: Weight of the gold loss. Only numbers are checked.
        temperature: Softens the probabilities of teacher and student.
        texts_share: Unlabelled texts per example.
        alternatives: What alpha may be besides a number, for the error message.

    Raises:
        ValueError: If one of them is out of range.
    """
    if isinstance(alpha, float | int) and not 0.0 <= alpha <= 1.0:
        raise ValueError(f"alpha must be from 0 to 1, {alternatives}, found {alpha}. Change it.")
    check_range("temperature", temperature, 0.0, is_open=True)
    check_range("texts_share", texts_share, 0.0, is_open=True)


def iterate_alpha(alpha: float | Iterable[float]) -> Iterator[float]:
    """Yield the weight of the gold loss for each batch, from a number or a schedule."""
    return repeat(float(alpha)) if isinstance(alpha, float | int) else iter(alpha)
