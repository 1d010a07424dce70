"""Random calls of every operation of `jaxtut.functional`, compared with the same calls in PyTorch."""
