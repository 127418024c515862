"""Methods of a pipeline with an ``xner`` or ``xcat``: spaCy's own know too little of such a config.

This module must not import torch or transformers. See `factories`.
"""

from collections.abc import Callable, Iterable
from typing import Any
from weakref import ref

from spacy import util
from spacy.language import DEFAULT_CONFIG, Language

from .component import Component
from .interfaces import TextReader
from .rates import AUTO, Goal, suggest_rate

# The schedule of our configs.
WARMUP = "spacy_xner.WarmupLinear.v1"


def adapt(nlp: Language) -> None:
    """Give a pipeline the methods of this module."""
    nlp.create_optimizer = Method(create_optimizer, nlp)  # type: ignore[method-assign]
    nlp.replace_listeners = Method(replace_listeners, nlp)  # type: ignore[method-assign]


class Method:
    """A function that is bound to a pipeline without keeping it alive, and can be copied and pickled with it.

    Args:
        function: The function, which takes the pipeline first.
        nlp: The pipeline.
    """

    def __init__(self, function: Callable[..., Any], nlp: Language) -> None:
        self.function = function
        self._nlp = ref(nlp)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function with the pipeline."""
        return self.function(self._nlp(), *args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle with the pipeline's copy."""
        return Method, (self.function, self._nlp())


def create_optimizer(nlp: Language) -> Any:
    """Create the optimizer of ``[training.optimizer]``, which may refer to other sections of the config.

    spaCy resolves that section alone, where ``${vars.learn_rate}`` means nothing (explosion/spaCy#8511). Its
    default, Adam at 0.001, would destroy a pretrained encoder: the config gets AdamW at a rate that suits it.
    The rate "auto" needs no file here, since the pipeline has the encoder.
    """
    optimizer = nlp.config.interpolate()["training"]["optimizer"]
    schedule = optimizer.get("learn_rate")
    if isinstance(schedule, dict) and schedule.get("@schedules") == WARMUP and schedule["rate"] == AUTO:
        schedule["rate"] = min(suggested_rates(nlp, schedule.get("goal", "entities")), default=AUTO)
    rates = suggested_rates(nlp)
    if rates and optimizer == DEFAULT_CONFIG["training"]["optimizer"]:
        # The rate rises tenfold in the first steps, and stays: how many there will be is not known.
        rising = {
            "@schedules": "compounding.v1",
            "start": min(rates) / 10,
            "stop": min(rates),
            "compound": 1.3,
        }
        optimizer = {"@optimizers": "spacy_xner.AdamW.v1", "learn_rate": rising}
        nlp.config["training"]["optimizer"] = optimizer
        util.logger.info("Optimizer: spacy_xner.AdamW.v1 at %g", min(rates))
    return util.registry.resolve({"optimizer": optimizer})["optimizer"]


def suggested_rates(nlp: Language, goal: Goal | None = None) -> list[float]:
    """Return a learning rate for each component that has a pretrained encoder.

    Args:
        nlp: The pipeline.
        goal: What they learn; None for what is usual for each.
    """
    return [
        suggest_rate(
            pipe.weights.encoder_width,
            goal or ("texts" if isinstance(pipe.task, TextReader) else "entities"),
        )
        for _, pipe in nlp.components
        if isinstance(pipe, Component) and pipe.weights.encoder_width is not None
    ]


def replace_listeners(nlp: Language, tok2vec_name: str, pipe_name: str, listeners: Iterable[str]) -> None:
    """Replace listeners as `Language.replace_listeners` does, at ``model.encoder`` as at ``model.tok2vec``.

    spaCy looks for the settings of any listener of spacy-transformers at ``model.tok2vec``.
    """
    paths = list(listeners)
    model = nlp.get_pipe_config(pipe_name)["model"] if nlp.has_pipe(pipe_name) else {}
    is_alias = bool(paths) and paths[0] == "model.encoder" and "tok2vec" not in model
    if is_alias:
        model["tok2vec"] = model["encoder"]
    try:
        type(nlp).replace_listeners(nlp, tok2vec_name, pipe_name, paths)
    finally:
        if is_alias:
            del model["tok2vec"]
