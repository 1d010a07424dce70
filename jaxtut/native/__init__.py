"""Loops that XLA's compiler for the CPU has no fast form of, compiled by LLVM for the processor at hand and called by XLA as custom calls.

It knows nothing of JAX's arrays: `loops` and `program` say in numbers what is computed, the modules named like that write it (`sums`, `products`,
`rows`, …), `costs` estimates how long it takes, `library` makes functions of XLA's foreign function interface of it, and `pool` has threads for them.
"""
