"""Loops that XLA's compiler for the CPU has no fast form of, compiled by LLVM for the processor at hand and called by XLA as custom calls.

It knows nothing of JAX's arrays or of convolutions: `sums` and `products` are loops over numbers at given places in memory, `library` turns them
into functions of XLA's foreign function interface, whose threads are XLA's own.
"""
