"""The protocols that heads implement, in this package and in others.

A head is an ``nn.Module``. Its builder is registered as a spaCy architecture and returns what makes it: a
callable ``(width, labels) -> Head``, either the class itself or a ``functools.partial`` that sets options by
name. ``width`` is the width of the token vectors, ``labels`` are the entity types in a fixed order. The head
is made again with the same two arguments when a pipeline is loaded, and its state dict is restored: parameter
shapes must depend on nothing else.

Training calls ``head(vectors)`` and `Head.loss`, prediction ``head(vectors)`` and `Head.decode`. Scores may
come in half precision and on any device; call ``scores.float()`` before taking logarithms or sums.
"""

import inspect
from collections.abc import Iterator, Sequence
from typing import ClassVar, Protocol, runtime_checkable

from torch import Tensor, nn

from ...types import DistillTarget, Entity, Gold, SoftTargets


class AnyHead(Protocol):
    """Scores the vectors of tokens or of texts.

    Attributes:
        labels: The labels it was made with, in the same order.
        width: Width of the vectors.
    """

    labels: tuple[str, ...]
    width: int

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return the weights. Inherited from ``nn.Module``; there must be at least one."""
        ...

    def __call__(self, vectors: Tensor) -> Tensor:
        """Score vectors, as ``nn.Module`` does by calling ``forward``.

        Args:
            vectors: Vectors of tokens, ``(batch, tokens, width)``, or of texts, ``(batch, width)``.

        Returns:
            Scores. The axes in front of ``width`` are kept; what follows is up to the head.
        """
        ...

    def inherit(self, origin: "AnyHead") -> None:
        """Copy, by name, the weights of all labels that another head has too.

        Called once, after the head was made, when a component is initialized from a trained one. A head that
        cannot do so raises an error, or leaves its weights as they are.

        Raises:
            ValueError: If the other head is of another kind, or its vectors have another width.
        """
        ...


class Head(AnyHead, Protocol):
    """Turns token vectors into entities. Tags and score matrices stay inside the head.

    Attributes:
        is_nested: Whether entities may overlap. A class attribute: it is read from the class, or from that
            of a ``functools.partial``, without making a head.
    """

    is_nested: ClassVar[bool]

    def loss(self, scores: Tensor, mask: Tensor, gold: Sequence[Gold]) -> Tensor:
        """Sum the loss over the annotated tokens.

        Tokens that are not annotated (``gold[i].known`` is False) must not count. Without any annotated token
        the loss is 0, and can still be differentiated. ``gold[i].log_priors`` are added to the scores of
        their labels, as `losses.adjust_logits` does.

        Args:
            scores: The result of calling the head.
            mask: True at real tokens, right-padded. Shape: ``(batch, tokens)``.
            gold: One entry for each text.

        Returns:
            A scalar, not divided by the number of tokens.

        Raises:
            ValueError: If a gold label is not among `labels`.
        """
        ...

    def decode(self, scores: Tensor, mask: Tensor) -> list[list[Entity]]:
        """Return the entities of each text, each with its probability.

        Args:
            scores: The result of calling the head.
            mask: True at real tokens, right-padded; no row is empty. Shape: ``(batch, tokens)``.

        Returns:
            One list for each text, sorted. Unless `is_nested`, entities do not overlap.
        """
        ...

    def soft_targets(self, scores: Tensor, mask: Tensor) -> list[SoftTargets]:
        """Return what a student can learn from this head as its teacher. Arguments as for `decode`.

        A head that cannot score BIO or BIOES tags leaves `SoftTargets.tags` empty, and teaches nothing.
        """
        ...

    def distill_loss(
        self, scores: Tensor, mask: Tensor, targets: Sequence[DistillTarget | None], temperature: float
    ) -> Tensor:
        """Sum the divergence of this head from its teacher over the taught tokens.

        Args:
            scores: The result of calling the head.
            mask: True at real tokens, right-padded. Shape: ``(batch, tokens)``.
            targets: One entry for each text; None if it is not taught.
            temperature: Softens both sides; greater than 0.

        Returns:
            A scalar, not divided by the number of tokens. ``scores.sum() * 0.0`` if nothing is taught, or if
            the head cannot learn from a teacher.
        """
        ...


@runtime_checkable
class ScoresEntities(Protocol):
    """What a head may have as well: probabilities of any entities, as for the review of a corpus.

    A head that also knows how probable it is that a text is exactly right returns an `EntityList` with that
    `score` for each text when it decodes.
    """

    def entity_probabilities(
        self, scores: Tensor, mask: Tensor, entities: Sequence[Sequence[Entity]]
    ) -> list[list[float]]:
        """Compute how probable each of some entities is, whether it would be decoded or not.

        Args:
            scores: The result of calling the head.
            mask: True at real tokens, right-padded; no row is empty. Shape: ``(batch, tokens)``.
            entities: Entities of each text, which may overlap.

        Returns:
            Probabilities from 0 to 1, for each text's entities. That of a decoded entity is its score.
        """
        ...


def check_head(head: object, protocol: type) -> None:
    """Check that a head, or the class of one, has all that training and prediction call.

    Args:
        head: A head, or a class. Only a head can have the `labels` and the `width` that it was made with.
        protocol: The protocol that it follows: `Head`, or `spacy_xner.nn.heads.text.TextHead`.

    Raises:
        ValueError: If a method or an attribute is missing.
    """
    kind = head if inspect.isclass(head) else type(head)
    members = {name for base in protocol.__mro__ for name in (*vars(base), *inspect.get_annotations(base))}
    later = set(inspect.get_annotations(AnyHead)) if kind is head else set()
    missing = [name for name in sorted(members - later) if name[0] != "_" and not hasattr(head, name)]
    # Every module has this one, which raises.
    if getattr(kind, "forward", None) in (None, nn.Module.forward):
        missing.append("forward")
    if missing:
        raise ValueError(
            f"A head must have all members of {protocol.__module__}.{protocol.__name__}, but {kind.__name__} "
            f"lacks {', '.join(missing)}. Add what is described there, or name a neck as the neck."
        )
