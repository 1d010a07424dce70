"""Running means of gradients and of their squares, rounded as PyTorch's optimizers round them."""

from jaxtyping import Array


def lerp(start: Array, end: Array, weight: float) -> Array:
    """Compute start + weight · (end − start), rounded as `torch.lerp` rounds it."""
    return start + weight * (end - start) if weight < 0.5 else end - (end - start) * (1 - weight)


def running_mean(mean: Array, gradient: Array, decay: float) -> Array:
    """Compute decay · m + (1 − decay) · g."""
    return lerp(mean, gradient, 1 - decay)


def running_mean_of_squares(mean: Array, gradient: Array, decay: float) -> Array:
    """Compute decay · v + (1 − decay) · g²."""
    return decay * mean + (1 - decay) * (gradient * gradient)
