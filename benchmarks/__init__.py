"""Time jaxtut beside plain JAX, PyTorch and torch.compile; `python -m benchmarks` runs it all."""
