"""Updates with an optimizer of thinc, which steps arrays one by one; ours steps whole modules."""

import warnings
from typing import cast
from weakref import WeakSet

from thinc.api import Optimizer, torch2xp, xp2torch
from thinc.types import FloatsXd

from ..errors import XnerWarning
from ..nn.encoder.lora import is_adapter
from ..nn.model import Network, clip_gradient
from ..pipeline.rates import DESTRUCTIVE, suggest_rate

# Networks of which `check_rate` has warned.
_WARNED: WeakSet[Network] = WeakSet()


def step_arrays(network: Network, optimizer: Optimizer, key: int) -> None:
    """Update the parameters of a network one by one, then clear their gradients.

    Args:
        network: The network.
        optimizer: The optimizer.
        key: The network's key in it.
    """
    check_rate(network, optimizer.learn_rate)
    clip_gradient(network.parameters())
    for name, parameter in network.named_parameters():
        if parameter.grad is None:
            continue
        grad = parameter.grad.to_dense() if parameter.grad.is_sparse else parameter.grad
        arrays = cast(FloatsXd, torch2xp(parameter.data)), cast(FloatsXd, torch2xp(grad))
        weights, _ = optimizer((key, name), *arrays)
        parameter.data = xp2torch(weights, device=parameter.device)
        parameter.grad = None


def check_rate(network: Network, rate: float) -> None:
    """Warn once of a learning rate that would destroy the encoder of a network, if that is trained."""
    encoder = network.encoder
    if encoder is None or network in _WARNED or rate < DESTRUCTIVE * suggest_rate(encoder.width):
        return
    if any(x.grad is not None and not is_adapter(name) for name, x in encoder.named_parameters()):
        _WARNED.add(network)
        warnings.warn(
            f"The learning rate must be low for an encoder to keep what it knows, found {rate:g}, which "
            f"destroys it. Use spacy_xner.AdamW.v1 at {suggest_rate(encoder.width):.1g}, as "
            "nlp.create_optimizer() does if [training.optimizer] is spaCy's default.",
            XnerWarning,
            stacklevel=2,
        )
