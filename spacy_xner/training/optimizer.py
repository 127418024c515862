"""AdamW that steps a whole torch module at once, behind the interface of a thinc optimizer."""

import warnings
from collections import defaultdict
from typing import Any, Union
from weakref import WeakKeyDictionary

import torch
from thinc.api import Optimizer
from thinc.types import Generator
from torch import Tensor, nn

from ..errors import XnerWarning, check_range
from ..models.foreign import check_rate
from ..nn.encoder.lora import is_adapter
from ..nn.encoder.trimming import layer_index
from ..nn.model import Network, clip_gradient

FloatOrSeq = Union[float, list[float], Generator]  # noqa: UP007 - confection reads it


def build_adamw_v1(
    learn_rate: FloatOrSeq = 5e-5,
    head_factor: float = 5.0,
    transitions_factor: float = 50.0,
    layer_decay: float = 1.0,
    weight_decay: float = 0.01,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    grad_clip: float = 1.0,
) -> "AdamW":
    """Build an optimizer that steps all weights of an ``xner`` or ``xcat`` component at once.

    spaCy's own components in the same pipeline are stepped by thinc's Adam, with the encoder's learning rate.

    Args:
        learn_rate: Learning rate of the encoder's top layer: a number, or a schedule such as
            `spacy_xner.WarmupLinear.v1`.
        head_factor: Learning rate of new weights (head, neck and adapters), as a multiple of `learn_rate`.
        transitions_factor: Learning rate of CRF transitions, as a multiple of `learn_rate`.
        layer_decay: Learning rate of each layer, as a multiple of that of the layer above, from 0 to 1.
        weight_decay: Decoupled weight decay; not applied to norms, biases and transitions.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        eps: Added to the denominator.
        grad_clip: Greatest norm of a module's gradient; 0 for no clipping.

    Raises:
        ValueError: If a setting is out of range.

    Source: Loshchilov & Hutter (2019), "Decoupled weight decay regularization".
    """
    for rate in learn_rate if isinstance(learn_rate, list) else [learn_rate]:
        if isinstance(rate, float | int):
            check_range("learn_rate", rate, 0.0)
    check_range("head_factor", head_factor, 0.0)
    check_range("transitions_factor", transitions_factor, 0.0)
    check_range("layer_decay", layer_decay, 0.0, 1.0)
    check_range("weight_decay", weight_decay, 0.0)
    check_range("grad_clip", grad_clip, 0.0)
    check_range("eps", eps, 0.0, is_open=True)
    for name, beta in (("beta1", beta1), ("beta2", beta2)):
        check_range(name, beta, 0.0, 0.99999)
    return AdamW(
        learn_rate,
        factors=Factors(head_factor, transitions_factor, layer_decay),
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        weight_decay=weight_decay,
        grad_clip=grad_clip,
    )


# What torch keeps of a weight: its moments and the number of its steps.
Moments = dict[str, Tensor | int]


class Factors:
    """Learning rates of the parts of a module, as multiples of that of the encoder's top layer.

    Args:
        head: Factor of head, neck and adapters.
        transitions: Factor of CRF transitions.
        layer_decay: Factor from each layer of the encoder to the one below.
    """

    def __init__(self, head: float, transitions: float, layer_decay: float) -> None:
        self.head = head
        self.transitions = transitions
        self.layer_decay = layer_decay

    def of(self, name: str, n_layers: int) -> float:
        """Return the factor of a parameter, by its name in the module."""
        if name.startswith("head.transitions."):
            return self.transitions
        if not name.startswith("encoder.") or is_adapter(name):
            return self.head
        layer = layer_index(name)
        # Embeddings are below layer 0; a final norm belongs to the top layer.
        below_top = n_layers if "embeddings" in name else 0 if layer is None else n_layers - 1 - layer
        return float(self.layer_decay**below_top)


class AdamW(Optimizer):
    """A thinc optimizer to spaCy; inside, torch optimizers that step a whole module at once.

    Dense gradients go to fused AdamW. Row-sparse gradients, those of the word embeddings, go to SparseAdam,
    which updates only the rows of pieces in the batch, without decay: most of a multilingual encoder is
    embeddings, and most of their rows are not in the batch.
    """

    def __init__(
        self,
        learn_rate: FloatOrSeq,
        *,
        factors: Factors,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float,
        grad_clip: float,
    ) -> None:
        super().__init__(
            learn_rate,
            L2=weight_decay,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            grad_clip=grad_clip,
            use_averages=False,
        )
        self.factors = factors
        self._steppers: WeakKeyDictionary[nn.Module, list[torch.optim.Optimizer]] = WeakKeyDictionary()
        # Those of a state, until a module is stepped.
        self._restored: WeakKeyDictionary[nn.Module, dict[str, Moments]] = WeakKeyDictionary()
        # The highest learning rate that each module was stepped with.
        self._highest_rates: WeakKeyDictionary[Network, float] = WeakKeyDictionary()
        # The norm of the gradient that each module was last stepped with.
        self._norms: WeakKeyDictionary[nn.Module, Tensor] = WeakKeyDictionary()
        self._n_steps = 0
        # The first of the latest steps without a learning rate.
        self._first_idle: int | None = None
        # When each module was last stepped.
        self._last_steps: WeakKeyDictionary[nn.Module, int] = WeakKeyDictionary()

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle to None, from which a copied pipeline creates an optimizer when it needs one.

        A schedule is a generator, which cannot be copied.
        """
        return type(None), ()

    def step_schedules(self) -> None:
        """Move the learning rate on by one step, as `spacy train` does after each update.

        Raises:
            ValueError: If the schedule's learning rate is below 0.
        """
        super().step_schedules()  # type: ignore[no-untyped-call]
        if not self.learn_rate >= 0.0:
            raise ValueError(f"learn_rate must be at least 0, found {self.learn_rate}. Change its schedule.")
        self._n_steps += 1

    def step_module(self, module: nn.Module, *, is_borrowed: bool = False) -> None:
        """Clip the gradients of a module, update its weights, and clear the gradients.

        A module that was stepped since the schedules were is in a loop of `nlp.update`, which does not step
        them: they are stepped first. Else a rate that rises from 0 would stay there.

        Args:
            module: The module.
            is_borrowed: Whether the gradients come from another component that uses its encoder.

        Raises:
            NonFiniteError: If a gradient is NaN or infinite; the weights stay as they are.
        """
        trained = [p for p in module.parameters() if p.grad is not None]
        if not trained:
            return
        if not is_borrowed:
            self._keep_time(module)
        if module not in self._steppers:
            self._steppers[module] = self._make_steppers(module)
            self._set_moments(module, self._restored.pop(module, {}))
        if isinstance(module, Network) and self.learn_rate > self._highest_rates.get(module, 0.0):
            self._highest_rates[module] = self.learn_rate
            check_rate(module, self.learn_rate)
        norm = clip_gradient(trained, self.grad_clip)
        if not is_borrowed:
            self._norms[module] = norm
        for stepper in self._steppers[module]:
            _follow_device(stepper)
            for group in stepper.param_groups:
                group["lr"] = self.learn_rate * group["factor"]
            stepper.step()
            stepper.zero_grad(set_to_none=True)

    def gradient_norm(self, module: nn.Module) -> float | None:
        """Return the norm of a module's own gradient in its last step, before clipping; None without one."""
        norm = self._norms.get(module)
        return None if norm is None else norm.item()

    def moments_of(self, module: nn.Module) -> dict[str, Moments]:
        """Return the moments of the weights of a module that have been updated, by name."""
        if module in self._restored:
            return self._restored[module]
        states = {p: each for stepper in self._steppers.get(module, ()) for p, each in stepper.state.items()}
        return {name: dict(states[p]) for name, p in module.named_parameters() if p in states}

    def restore_moments(self, module: nn.Module, moments: dict[str, Moments]) -> None:
        """Go on with the moments of another run when the module is stepped for the first time.

        Which of its gradients are row-sparse is not known before.
        """
        self._steppers.pop(module, None)
        self._restored[module] = moments

    def _set_moments(self, module: nn.Module, moments: dict[str, Moments]) -> None:
        steppers = {p: s for s in self._steppers[module] for group in s.param_groups for p in group["params"]}
        for name, parameter in module.named_parameters():
            if name in moments:
                steppers[parameter].state[parameter] = moments[name]

    def _keep_time(self, module: nn.Module) -> None:
        """Step the schedules if the training loop does not, and warn once their learning rate has ended.

        The last step of `spacy train` may have a rate of 0, and the first one of a schedule that rises.
        """
        if self._last_steps.get(module) == self._n_steps:
            self.step_schedules()
        self._last_steps[module] = self._n_steps
        if self.learn_rate:
            self._first_idle = None
        elif self._first_idle is None:
            self._first_idle = self._n_steps
        elif self._n_steps == self._first_idle + 1:
            warnings.warn(
                f"The learning rate must be above 0 for weights to change, found 0 at step {self._n_steps}: "
                "its schedule has ended. Create a new optimizer, or raise its total_steps.",
                XnerWarning,
                stacklevel=2,
            )

    def _make_steppers(self, module: nn.Module) -> list[torch.optim.Optimizer]:
        """Build an optimizer of the dense gradients, and one of the row-sparse gradients if there are any."""
        groups: dict[tuple[float, float, bool], list[nn.Parameter]] = defaultdict(list)
        names = dict(module.named_parameters())
        n_layers = 1 + max((layer_index(name) or 0 for name in names), default=0)
        for name, parameter in names.items():
            if parameter.requires_grad:
                factor = self.factors.of(name, n_layers)
                is_sparse = parameter.grad is not None and parameter.grad.is_sparse
                is_matrix = parameter.ndim > 1 and not name.startswith("head.transitions.") and not is_sparse
                groups[factor, self.L2 if is_matrix else 0.0, is_sparse].append(parameter)
        dense: list[dict[str, Any]] = []
        sparse: list[dict[str, Any]] = []
        for (factor, decay, is_sparse), parameters in groups.items():
            group = {"params": parameters, "factor": factor, "lr": self.learn_rate * factor}
            if is_sparse:
                sparse.append(group)
            else:
                dense.append(group | {"weight_decay": decay})
        steppers: list[torch.optim.Optimizer] = []
        if dense:
            steppers.append(torch.optim.AdamW(dense, betas=(self.b1, self.b2), eps=self.eps, fused=True))
        if sparse:
            steppers.append(torch.optim.SparseAdam(sparse, betas=(self.b1, self.b2), eps=self.eps))
        return steppers


def _follow_device(stepper: torch.optim.Optimizer) -> None:
    """Move the moments to where the weights are: a component's device can be changed between two steps."""
    if any(state["exp_avg"].device != parameter.device for parameter, state in stepper.state.items()):
        stepper.load_state_dict(stepper.state_dict())
