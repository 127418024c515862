"""A transformer's layers as an ONNX graph, run by ONNX Runtime on a processor."""

import ctypes
import os
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor

from .setup import setup

_open_sessions: WeakSet[Any] = WeakSet()


def _keep_sessions() -> None:
    """Keep a forked process from ever closing a session of its parent: it would wait for threads forever."""
    for session in list(_open_sessions):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keep_sessions)


class Graph:
    """Runs the layers of a transformer. See `Runner`.

    Args:
        data: An ONNX model with the inputs ``vectors`` (batch, pieces, width) and ``mask`` (batch, pieces),
            and the output ``hidden`` (batch, pieces, width).
        precision: ``fp32`` or ``int8``.
    """

    def __init__(self, data: bytes, precision: str) -> None:
        self.data = data
        self.precision = precision
        # One per process: threads do not survive a fork, and closing a session there would wait for them.
        self._sessions: dict[int, Any] = {}

    @property
    def kind(self) -> tuple[str, str]:
        """The backend and the precision."""
        return "onnx", self.precision

    def __call__(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Compute the output of the transformer's last layer. See `Runner`.

        Raises:
            ImportError: If ONNX Runtime is not installed.
            ValueError: If ONNX Runtime cannot read the model.
        """
        session = self._sessions.get(os.getpid())
        if session is None:
            session = self._open()
        inputs = {"vectors": vectors.contiguous().numpy(), "mask": mask.numpy()}
        return torch.from_numpy(session.run(None, inputs)[0])

    @setup
    def _open(self) -> Any:
        """Open this process's session, unless another thread has done so in the meantime."""
        if os.getpid() not in self._sessions:
            self._sessions[os.getpid()] = _open(self.data)
            _open_sessions.add(self._sessions[os.getpid()])
        return self._sessions[os.getpid()]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without the session."""
        return Graph, (self.data, self.precision)


def _open(data: bytes) -> Any:
    try:
        import onnxruntime
    except ImportError as err:
        raise ImportError(
            'backend = "onnx" needs onnxruntime, which is not installed. Install it with: '
            "pip install 'spacy-xner[onnx]'"
        ) from err
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # Otherwise its threads keep spinning after a run, and slow down torch's and other programs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as err:  # the library's errors have no public base class
        reason = str(err).strip().partition("\n")[0]
        raise ValueError(
            f"encoder.onnx must be an ONNX model that ONNX Runtime can read, found {len(data)} bytes: "
            f'{reason} Delete it to have it written again, or set backend = "torch".'
        ) from err
