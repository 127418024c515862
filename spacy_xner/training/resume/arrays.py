"""The weights that a training has changed, and the moments of its optimizer, as named tensors."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

import torch
from spacy.language import Language
from thinc.api import Model, Optimizer, get_current_ops, torch2xp, xp2torch
from thinc.shims import Shim
from thinc.types import FloatsXd
from torch import Tensor, nn

from ...models.execution import Execution
from ..optimizer import AdamW

# Of a weight of which only some rows have been changed: their numbers.
ROWS = "rows"
WEIGHT = "weight"
# What an optimizer of thinc keeps of each weight.
MOMENTS, COUNTS = ("mom1", "mom2", "averages"), ("nr_update", "last_seen")


class Part(NamedTuple):
    """A torch module, or a layer of thinc, with weights that an optimizer updates.

    Attributes:
        name: The component, and the number of the part in it.
        key: The key of its weights in an optimizer of thinc.
        module: The module, or the layer.
    """

    name: str
    key: int
    module: "nn.Module | Model[Any, Any]"


def read_arrays(nlp: Language, optimizer: Optimizer) -> dict[str, Tensor]:
    """Return whatever an optimizer has changed: weights and moments."""
    arrays: dict[str, Tensor] = {}
    for part in list_parts(nlp):
        if isinstance(part.module, nn.Module) and isinstance(optimizer, AdamW):
            moments = optimizer.moments_of(part.module)
            named = dict(part.module.named_parameters())
            for name, each in moments.items():
                arrays |= _prefix(f"{part.name}/{name}", _pack(named[name].detach(), each))
            continue
        for name, weight in _list_weights(part.module):
            own = _read_moments(optimizer, (part.key, name))
            if own:
                arrays |= _prefix(f"{part.name}/{name}", {WEIGHT: weight, **own})
    # Copies on the CPU: safetensors refuses tensors that share memory.
    return {name: array.detach().to("cpu", copy=True).contiguous() for name, array in arrays.items()}


def write_arrays(nlp: Language, optimizer: Optimizer, arrays: Mapping[str, Tensor]) -> None:
    """Set weights and moments to those of `read_arrays`, in a pipeline that was made in the same way."""
    grouped: dict[str, dict[str, Tensor]] = {}
    for name, array in arrays.items():
        weight, _, kind = name.rpartition("/")
        grouped.setdefault(weight, {})[kind] = array
    for part in list_parts(nlp):
        names = [name for name in grouped if name.startswith(f"{part.name}/")]
        own = {name[len(part.name) + 1 :]: grouped.pop(name) for name in names}
        if isinstance(part.module, nn.Module) and isinstance(optimizer, AdamW):
            named = dict(part.module.named_parameters())
            moments = {name: _unpack(named[name], arrays) for name, arrays in own.items()}
            optimizer.restore_moments(part.module, moments)
            continue
        device = next(part.module.parameters()).device if isinstance(part.module, nn.Module) else None
        for name, each in own.items():
            _set_weight(part.module, name, each.pop(WEIGHT))
            _set_moments(optimizer, (part.key, name), each, device=device)
    if grouped:
        raise ValueError(f"The pipeline must have the weights of the state, found no {min(grouped)}.")


def list_weights(nlp: Language) -> dict[str, Tensor]:
    """Return all weights of a pipeline, by name."""
    parts = list_parts(nlp)
    return {f"{part.name}/{name}": w.detach() for part in parts for name, w in _list_weights(part.module)}


def list_parts(nlp: Language) -> Iterator[Part]:
    """List the parts of a pipeline that an optimizer may update."""
    for name, pipe in nlp.pipeline:
        model = getattr(pipe, "model", None)
        if not isinstance(model, Model):
            continue
        for number, node in enumerate(model.walk()):
            if any(node.has_param(each) for each in node.param_names):
                yield Part(f"{name}/{number}", node.id, node)
            for place, shim in enumerate(node.shims):
                module = module_of(shim)
                if module is not None:
                    yield Part(f"{name}/{number}.{place}", shim.id, module)


def list_torch_parts(nlp: Language) -> list[str]:
    """List the components with a torch module that an optimizer may update."""
    names = (part.name.split("/")[0] for part in list_parts(nlp) if isinstance(part.module, nn.Module))
    return [*dict.fromkeys(names)]


def module_of(shim: Shim) -> nn.Module | None:
    """Return the torch module of a shim: of ours, or of thinc's."""
    execution = getattr(shim, "execution", None)
    if isinstance(execution, Execution):
        # Makes the adapters that training begins with.
        execution.set_mode(is_train=True)
        return execution.network
    module = getattr(shim, "_model", None)
    return module if isinstance(module, nn.Module) else None


def _prefix(name: str, arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{name}/{kind}": array for kind, array in arrays.items()}


def _pack(weight: Tensor, moments: Mapping[str, Tensor | int]) -> dict[str, Tensor]:
    """Join a weight and its moments; of row-sparse ones, only the rows that have been changed."""
    arrays = {kind: torch.as_tensor(value) for kind, value in moments.items()}
    # SparseAdam counts steps by an int, AdamW by a tensor.
    if isinstance(moments["step"], int):
        is_changed = torch.stack([(array != 0).any(dim=1) for array in arrays.values() if array.ndim])
        rows = is_changed.any(dim=0).nonzero().flatten()
        cut = {kind: array[rows] if array.ndim else array for kind, array in arrays.items()}
        return {ROWS: rows, WEIGHT: weight[rows], **cut}
    return {WEIGHT: weight, **arrays}


def _unpack(weight: nn.Parameter, arrays: Mapping[str, Tensor]) -> dict[str, Tensor | int]:
    """Set a weight, and return its moments."""
    rows = arrays.get(ROWS)
    moments: dict[str, Tensor | int] = {}
    with torch.no_grad():
        if rows is None:
            weight.copy_(arrays[WEIGHT])
        else:
            weight[rows.to(weight.device)] = arrays[WEIGHT].to(weight)
        for kind, array in arrays.items():
            if kind in (ROWS, WEIGHT):
                continue
            if rows is None:
                # The count of steps stays where it is; moments are where the weights are.
                moments[kind] = array.to(weight.device) if array.ndim else array
            elif array.ndim:
                moments[kind] = torch.zeros_like(weight)
                moments[kind][rows.to(weight.device)] = array.to(weight)  # type: ignore[index]
            else:
                moments[kind] = int(array)
    return moments


def _list_weights(module: "nn.Module | Model[Any, Any]") -> Iterator[tuple[str, Tensor]]:
    if isinstance(module, nn.Module):
        yield from module.named_parameters()
        return
    for name in module.param_names:
        if module.has_param(name):
            yield name, xp2torch(module.get_param(name))


def _set_weight(module: "nn.Module | Model[Any, Any]", name: str, value: Tensor) -> None:
    if isinstance(module, nn.Module):
        with torch.no_grad():
            dict(module.named_parameters())[name].copy_(value)
        return
    module.set_param(name, _to_array(value))


def _read_moments(optimizer: Optimizer, key: tuple[int, str]) -> dict[str, Tensor]:
    moments: dict[str, Tensor] = {}
    for kind in MOMENTS:
        arrays: Mapping[Any, Any] = getattr(optimizer, kind) or {}
        if key in arrays:
            moments[kind] = xp2torch(arrays[key])
    for kind in COUNTS:
        counts: Mapping[Any, int] = getattr(optimizer, kind)
        if key in counts:
            moments[kind] = torch.tensor(counts[key])
    return moments


def _set_moments(
    optimizer: Optimizer, key: tuple[int, str], moments: Mapping[str, Tensor], *, device: torch.device | None
) -> None:
    """Set moments, which are arrays of the device of a torch module, or else of thinc's current one."""
    for kind, value in moments.items():
        if kind in COUNTS:
            getattr(optimizer, kind)[key] = int(value)
        elif device is not None:
            getattr(optimizer, kind)[key] = torch2xp(value.to(device))
        else:
            getattr(optimizer, kind)[key] = _to_array(value)


def _to_array(value: Tensor) -> FloatsXd:
    """Copy a tensor to thinc's current device."""
    return cast(FloatsXd, get_current_ops().asarray(cast(FloatsXd, value.numpy())))
