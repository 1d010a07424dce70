"""Programs compiled for the processor at hand, under the names by which XLA calls them."""

import ctypes
import hashlib
import threading
from typing import Any, NamedTuple

import jax

from . import padding, products, runtime, sums
from .machine import Machine, host, llvm
from .padding import Padding
from .products import Products
from .sums import Sums


class Program(NamedTuple):
    """A function of two arrays, source and factor.

    Attributes:
        dtype: of all numbers.
        main: what is computed.
        padding: what becomes of the source first, if anything; the padded source is then a second result.
    """

    dtype: str
    main: Sums | Products
    padding: Padding | None


_lock = threading.Lock()
_engines: dict[str, Any] = {}


def target(program: Program) -> str:
    """Compile a program, if that has not been done, and return its name for `jax.ffi.ffi_call`.

    Raises:
        RuntimeError: `machine.host()` is None.
    """
    machine = host()
    if machine is None:
        raise RuntimeError("native: programs cannot be compiled for this processor")
    name = "jaxtut_" + hashlib.sha256(repr((program, machine, runtime.MINOR)).encode()).hexdigest()[:24]
    with _lock:
        if name not in _engines:
            engine = _compiled(source(program, machine), machine)
            address = ctypes.c_void_p(engine.get_function_address("handler"))
            jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(address), platform="cpu")
            _engines[name] = engine  # its code lives as long as it does
    return name


def source(program: Program, machine: Machine) -> str:
    """Return the program in LLVM's words."""
    from llvmlite import ir

    module: Any = ir.Module("jaxtut")
    arrays = (0, 1, 2)
    stages: list[runtime.Stage] = []
    if program.padding is not None:
        stages.append(padding.write(module, "padding", program.dtype, program.padding, 0, 3))
        arrays = (3, 1, 2)
    # The stages of one program may run in any order, but for the padding, which is first.
    if isinstance(program.main, Sums):
        stages += sums.write(module, program.dtype, program.main, machine, arrays)
    else:
        stages += products.write(module, program.dtype, program.main, machine, arrays)
    results = 1 if program.padding is None else 2
    return str(module) + runtime.text(2, results, stages)


def _compiled(text: str, machine: Machine) -> Any:
    """Return the engine that holds a program's code."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    aim = target.create_target_machine(cpu=machine.cpu, features=machine.features, opt=3)
    module = llvm.parse_assembly(text)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_unrolling = options.slp_vectorization = options.loop_vectorization = False
    passes = llvm.create_pass_builder(aim, options)
    passes.getModulePassManager().run(module, passes)
    engine = llvm.create_mcjit_compiler(module, aim)
    engine.finalize_object()
    return engine
