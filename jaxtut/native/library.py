"""Programs compiled for the processor at hand, under the names by which XLA calls them."""

import ctypes
import threading
from functools import cache
from typing import Any

import jax

from . import machine, pool, runtime, store
from .loops import Products, Sums
from .machine import Machine
from .program import AdamStep, Copy, GivingBack, Map, Move, Patches, Program, Rows

_lock = threading.Lock()
_engines: dict[str, Any] = {}
_POOL = "pool"


def target(program: Program) -> str:
    """Compile a program, if that has not been done, and return its name for `jax.ffi.ffi_call`.

    Raises:
        RuntimeError: `machine.host()` is None.
    """
    host = machine.host()
    if host is None:
        raise RuntimeError("native: programs cannot be compiled for this processor")
    name = "jaxtut_" + store.key(program, host)
    with _lock:
        if _POOL not in _engines:
            text = pool.text()
            own = store.key(text, host)
            _engines[_POOL] = _kept(own, host) or _made(own, text, host)
            pool.start(_engines[_POOL])
        if name not in _engines:
            engine = _kept(name, host) or _made(name, source(program, host), host)
            address = ctypes.c_void_p(engine.get_function_address("handler"))
            _engines[name] = engine  # its code lives as long as it does
            jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(address), platform="cpu")
    return name


def _kept(name: str, host: Machine) -> Any | None:
    """Return the engine of what is on disk, if there is something that can be used."""
    code = store.load(name)
    try:
        return code and _linked(code, host)
    except (RuntimeError, ValueError):  # LLVM does not know what it is
        return None


def _made(name: str, text: str, host: Machine) -> Any:
    code = _compiled(text, host)
    store.save(name, code)
    return _linked(code, host)


def source(program: Program, host: Machine) -> str:
    """Return the program in LLVM's words."""
    from llvmlite import ir

    from . import adam, copying, giving_back, maps, moving, padding, patching, products, rows, sums

    module: Any = ir.Module("jaxtut")
    arrays = (0, 1, 2)
    stages: list[runtime.Stage] = []
    if program.padding is not None:
        stages.append(padding.write(module, "padding", program.dtype, program.padding, host, 0, 3))
        arrays = (3, 1, 2)
    # The stages of one program may run in any order, but for the padding, which is first.
    main, dtype = program.main, program.dtype
    if isinstance(main, Sums):
        stages += sums.write(module, dtype, main, host, arrays)
    elif isinstance(main, Products):
        stages += products.write(module, dtype, main, host, arrays)
    else:
        write: Any = {
            Copy: copying.write,
            Move: moving.write,
            Patches: patching.write,
            GivingBack: giving_back.write,
            AdamStep: adam.write,
            Rows: rows.write,
            Map: maps.write,
        }[type(main)]
        stages.append(write(module, dtype, main, host))
    return str(module) + runtime.text(program.arguments, program.results, stages, host.grain)


def _compiled(text: str, host: Machine) -> bytes:
    """Return a program's machine code, as an object file."""
    return _aim(host).emit_object(_llvm().parse_assembly(text))


def _linked(code: bytes, host: Machine) -> Any:
    """Return the engine that holds a program's code in memory."""
    llvm = _llvm()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _aim(host))
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine


def _aim(host: Machine) -> Any:
    # The programs are written as they are to run, so LLVM is asked for their machine code alone, and for none of its passes over them.
    target = _llvm().Target.from_default_triple()
    return target.create_target_machine(cpu=host.cpu, features=host.features, opt=1, jit=True)


@cache
def _llvm() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


def names() -> list[str]:
    """Return the names of the programs that this process has."""
    return [name for name in _engines if name != _POOL]
