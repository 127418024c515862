"""Which pipelines several processes can train."""

from collections.abc import Sequence

from spacy.language import Language

from ..models.shim import find_shim
from ..nn.runtime.device import resolve_device
from ..nn.runtime.processes import world_size
from .resume.arrays import list_torch_parts


def check_pipeline(nlp: Language, frozen: Sequence[str]) -> None:
    """Check that several processes, if there are, can train a pipeline.

    Each runs its share of a batch through the encoders of this package, whose gradients are summed. Layers
    of thinc run the whole batch in each process, with the same result.

    Args:
        nlp: The pipeline.
        frozen: Names of components that are not trained.

    Raises:
        ValueError: If a component is trained that uses torch in another way, or training has no seed.
    """
    if world_size() == 1:
        return
    if nlp.config["training"]["seed"] is None:
        raise ValueError(
            "training.seed must be a number for several processes, which shuffle alike, found null. Set it."
        )
    for name in list_torch_parts(nlp):
        device = getattr(nlp.get_pipe(name), "device", "auto")
        if resolve_device(device).type not in ("cpu", "cuda"):
            raise ValueError(
                f"Several processes must train on cpu or cuda, found {device}. Choose with --device."
            )
        model = nlp.get_pipe(name).model  # type: ignore[attr-defined]  # it has one
        if name not in frozen and (find_shim(model) is None or model.layers):
            raise ValueError(
                "Several processes train xner and xcat with encoders of spacy_xner, found that "
                f"{name!r} uses another. Use spacy_xner.Encoder.v1, freeze it, or train in one process."
            )
