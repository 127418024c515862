"""One lock for all that prepares networks, and what a forked process needs."""

import os
from contextlib import ContextDecorator
from threading import RLock
from typing import Literal

import torch

_LOCK = RLock()


class _Setup(ContextDecorator):
    """Lets one thread at a time load, build, move or convert networks."""

    def __enter__(self) -> None:
        _LOCK.acquire()

    def __exit__(self, *error: object) -> Literal[False]:
        _LOCK.release()
        return False


# While transformers loads a model, it replaces functions of torch, for all threads: a layer that another one
# makes meanwhile has no data ("meta tensors") or no random weights. Used with `with`, or as a decorator.
# Prediction with a prepared network does not need it.
setup = _Setup()


def _enter_child() -> None:
    _LOCK.release()
    # The parent's thread pool does not survive a fork: OpenMP waits forever for threads that are gone.
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    # A fork waits for the lock, so that no child begins with a network, or with functions of torch, that
    # another thread was about to change.
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_enter_child)
