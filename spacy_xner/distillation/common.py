"""What the teachers of entities and of whole texts share: weights, and that they are not saved."""

from collections.abc import Iterable, Iterator
from itertools import repeat


class NotSerialized:
    """Is None in a pickled pipeline, as in a saved one."""

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """Leave nothing behind."""
        return type(None), ()


def check_weights(alpha: object, temperature: float, texts_share: float, kinds: str) -> None:
    """Check what weighs gold and teacher.

    Args:
        alpha: A number, or what is not checked here.
        temperature: Softens probabilities.
        texts_share: A teacher's own texts for each example.
        kinds: What else alpha may be, for the error.

    Raises:
        ValueError: If one of them is out of its range.
    """
    if isinstance(alpha, float | int) and not 0.0 <= alpha <= 1.0:
        raise ValueError(f"alpha must be from 0 to 1, {kinds}, found {alpha}. Change it.")
    if temperature <= 0.0 or texts_share <= 0.0:
        raise ValueError(
            f"temperature and texts_share must be above 0, found {temperature} and {texts_share}. Raise them."
        )


def repeat_alpha(alpha: float | Iterable[float]) -> Iterator[float]:
    """Give the weight of each batch: a number over and over, or what a schedule has."""
    return repeat(float(alpha)) if isinstance(alpha, float | int) else iter(alpha)
