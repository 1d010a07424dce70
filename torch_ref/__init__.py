"""The PyTorch baseline: the same lessons, under the same names, as `jaxtut`."""
