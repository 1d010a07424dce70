"""One epoch as one compiled program: a scan over the steps, with the data on the device."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.core import Tracer
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from jaxtut.errors import LabelError

from .step import Apply, Loss, OptState, Params, training_step

Losses = Float[Array, " steps"]
Epoch = Callable[[Params, OptState, Any, Any, Any], tuple[Params, OptState, Losses]]


def make_epoch(
    apply: Apply,
    loss: Loss,
    optimizer: optax.GradientTransformation,
    donate: bool = True,
    mesh: Mesh | None = None,
) -> Epoch:
    """Compile all steps of an epoch into one program, so that Python is not asked between them.

    Args:
        apply: the model, apply(params, x) -> scores.
        loss: loss(scores, y) -> a single number.
        optimizer: an Optax gradient transformation.
        donate: let the new parameters and state take the memory of the old ones, which cannot be used any more
            afterwards.
        mesh: devices in one row, over which each batch is split; parameters, state and samples are on each of them.
            The loss and its gradients are still those of the whole batch, whatever the loss is: XLA adds over the
            devices where a sum runs over samples. Left out, all runs on one device.

    Returns:
        epoch(params, opt_state, X, Y, indices) -> (params, opt_state, losses), where X and Y hold all samples,
        `indices` of shape (steps, batch) says which of them each step takes, and `losses` of shape (steps,) are those
        before each update. An index outside [0, n) is a `LabelError`; where it is hidden by a transformation, it gives
        NaN.

    Example:
        >>> from jaxtut import optim
        >>> import jaxtut.functional as F
        >>> optimizer = optim.SGD(lr=0.1)
        >>> epoch = make_epoch(lambda params, x: x * params["w"], F.mse_loss, optimizer)
        >>> params, X = {"w": jnp.array(0.0)}, jnp.array([1.0, 2.0])
        >>> params, state, losses = epoch(params, optimizer.init(params), X, 2 * X, [[0, 1], [1, 0]])
        >>> losses
        Array([10. ,  2.5], dtype=float32)

    Raises:
        TypeError: apply or loss cannot be called, the optimizer is none, or what is given as mesh is no `Mesh`.
        ValueError: a loss that is no single number; a mesh of more than one axis; batches that the devices of the mesh
            cannot share evenly.

    PyTorch's counterpart: a Python loop over the batches of a loader, and with a mesh `DistributedDataParallel`, which
    takes the mean of its devices' gradients instead: another one than the whole batch's where the loss is no plain mean,
    as with class weights. On CPU, `jax.lax.conv_general_dilated` runs several times slower inside a scan than outside; a
    model that calls it directly is better trained with `make_train_step`. `jaxtut.functional.conv2d` runs at the same speed in both.
    """
    step = training_step("make_epoch", apply, loss, optimizer)
    devices = None if mesh is None else _row(mesh)
    split = None if devices is None else NamedSharding(devices, PartitionSpec(*devices.axis_names))
    whole = None if devices is None else NamedSharding(devices, PartitionSpec())

    @partial(jax.jit, donate_argnums=(0, 1) if donate else (), out_shardings=whole)
    def scan(params: Params, opt_state: OptState, X: Any, Y: Any, indices: Any) -> tuple[Params, OptState, Losses]:
        def one(carry: tuple[Params, OptState], batch: Any) -> tuple[tuple[Params, OptState], Any]:
            if split is not None:
                batch = jax.lax.with_sharding_constraint(batch, split)
            params, opt_state, value = step(*carry, _rows(X, batch), _rows(Y, batch))
            return (params, opt_state), value

        (params, opt_state), losses = jax.lax.scan(one, (params, opt_state), indices)
        return params, opt_state, losses

    def epoch(params: Params, opt_state: OptState, X: Any, Y: Any, indices: Any) -> tuple[Params, OptState, Losses]:
        rows = _checked(indices, X, Y)
        if devices is None:
            return scan(params, opt_state, X, Y, rows)
        if rows.shape[-1] % devices.size:
            raise ValueError(
                f"epoch: a batch of {rows.shape[-1]} cannot be shared evenly by the {devices.size} devices of the mesh"
            )
        with _alone(devices):
            return scan(*jax.device_put((params, opt_state, X, Y, rows), whole))

    return epoch


def _row(mesh: Mesh) -> Mesh:
    """Return the mesh with an axis that XLA sees to, or refuse one that is no row of devices."""
    if not isinstance(mesh, Mesh):
        raise TypeError(f"make_epoch: mesh must be a jax.sharding.Mesh, but {type(mesh).__name__} was given")
    if len(mesh.axis_names) != 1:
        raise ValueError(f"make_epoch: mesh must have one axis, but it has {len(mesh.axis_names)}: {mesh.axis_names}")
    # The axes of `jax.make_mesh` are explicit: each operation would have to say how its result lies. XLA knows.
    return Mesh(mesh.devices, mesh.axis_names)


def _alone(devices: Mesh) -> AbstractContextManager[Any]:
    """Put the mesh in the place of one that the caller works under, whose axes would count in its place."""
    return nullcontext() if jax.sharding.get_abstract_mesh().empty else jax.set_mesh(devices)


def _rows(data: Array, indices: Int[Array, " batch"]) -> Array:
    # Plain indexing would move an index beyond the end to the last sample.
    return data.at[indices].get(mode="fill", wrap_negative_indices=False)


def _checked(indices: ArrayLike, X: Any, Y: Any) -> Any:
    if len(X) != len(Y):
        raise ValueError(f"epoch: X and Y must have the same length, but {len(X)} and {len(Y)} were given")
    if np.ndim(indices) != 2:
        raise ValueError(f"epoch: indices must have shape (steps, batch), but {np.shape(indices)} was given")
    if isinstance(indices, Tracer):
        return indices
    rows = np.asarray(indices)
    if not np.issubdtype(rows.dtype, np.integer):
        raise TypeError(f"epoch: indices must be integers, but {rows.dtype} was given")
    if rows.size and not 0 <= rows.min() <= rows.max() < len(X):
        raise LabelError(f"epoch: indices must lie in [0, {len(X)}), but {rows.min()} to {rows.max()} were given")
    return jnp.asarray(rows)
