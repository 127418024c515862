"""States of the random number generators of Python, numpy and torch, as JSON."""

import random
from base64 import b64decode, b64encode
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...nn.runtime.exchange import collect
from ...nn.runtime.processes import rank

RandomStates = dict[str, Any]


def seed_process(seed: int) -> None:
    """Let the generators of torch, as for dropout, differ between processes; all others are alike."""
    if rank():
        torch.manual_seed(seed + rank())


def read_random_states() -> RandomStates:
    """Return the states of all generators; those of torch of each process."""
    version, numbers, gauss = random.getstate()
    state: Any = np.random.get_state(legacy=False)
    own = state["state"]
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    return {
        "python": [version, list(numbers), gauss],
        "numpy": {**state, "state": {**own, "key": own["key"].tolist()}},
        "torch": collect(_encode(torch.get_rng_state())),
        "cuda": collect([_encode(each) for each in cuda]),
    }


def set_random_states(states: RandomStates) -> None:
    """Set all generators; those of GPUs only if this machine has as many.

    A process that there was not before has generators of its own.
    """
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    own = states["numpy"]["state"]
    key = np.array(own["key"], dtype=np.uint32)
    np.random.set_state({**states["numpy"], "state": {**own, "key": key}})
    known = rank() if rank() < len(states["torch"]) else 0
    torch.set_rng_state(_decode(states["torch"][known]))
    if known != rank():
        seed_process(torch.initial_seed())
        return
    cuda = [_decode(each) for each in states["cuda"][known]]
    if cuda and torch.cuda.is_available() and torch.cuda.device_count() == len(cuda):
        torch.cuda.set_rng_state_all(cuda)


def _encode(state: Tensor) -> str:
    return b64encode(state.numpy().tobytes()).decode("ascii")


def _decode(text: str) -> Tensor:
    return torch.frombuffer(bytearray(b64decode(text)), dtype=torch.uint8)
