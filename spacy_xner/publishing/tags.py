"""Names of tags as transformers' ``TokenClassificationPipeline`` reads them."""

from collections.abc import Sequence

from ..nn.heads.base import AnyHead
from ..nn.heads.checkpoint import CheckpointHead, Role
from ..nn.heads.tags import TagSet, is_tag_head
from ..schemes import OUTSIDE


def name_tags(head: AnyHead) -> list[str]:
    """Name the tags of a head so that transformers groups them as the head does.

    transformers knows only ``B-`` and ``I-``. An end is an ``I-`` and a single one is a ``B-``, so that two
    tags of BIOES may have the same name.
    """
    if isinstance(head, CheckpointHead):
        return [_name(own, role) for own, role in zip(head.labels, head.roles, strict=True)]
    assert is_tag_head(head)  # others are refused before
    return [_name(own, role) for own, role in zip(head.tags.names, _read_roles(head.tags), strict=True)]


def _read_roles(tags: TagSet) -> list[Role]:
    """Return label and letter of each tag; labels may look like tags themselves."""
    return [
        Role(label, name[0] if label else "") for name, label in zip(tags.names, tags.tag_labels, strict=True)
    ]


def _name(own: str, role: Role) -> str:
    """Name a tag; its own name is kept if transformers reads it as we do."""
    if not role.label:
        return OUTSIDE
    letter = "B" if role.role in ("B", "S") else "I"
    return own if read_tag(own) == (letter, role.label) else f"{letter}-{role.label}"


def read_tag(name: str) -> tuple[str, str]:
    """Read a tag as transformers does: whether it begins an entity, and the label.

    The label is empty if transformers groups by another name than it returns.

    Source: ``get_tag`` and ``group_sub_entities`` of ``TokenClassificationPipeline``.
    """
    letter, label = (name[0], name[2:]) if name[:2] in ("B-", "I-") else ("I", name)
    return letter, label if label == name.split("-", 1)[-1] else ""


def number_labels(names: Sequence[str]) -> dict[str, int]:
    """Return the number of each name, the first of several."""
    return {name: i for i, name in reversed(list(enumerate(names)))}
