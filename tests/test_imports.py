"""What loads what: `jaxtut` without torch, `torch_ref` without JAX, and nothing heavy by `import jaxtut`. Each in a process of its own."""

import pkgutil
import subprocess
import sys

import pytest

import jaxtut
import torch_ref

JAX_SIDE = [
    m.name
    for m in pkgutil.walk_packages(jaxtut.__path__, "jaxtut.")
    if not m.name.startswith(("jaxtut.cli", "jaxtut.parity"))
]
TORCH_SIDE = [m.name for m in pkgutil.walk_packages(torch_ref.__path__, "torch_ref.")]


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_jaxtut_is_light():
    loaded = run("import sys, jaxtut; print(*sys.modules)").split()
    assert "jaxtut" in loaded
    assert not {"torch", "flax", "matplotlib", "optax", "sklearn", "mlxtend", "jax"} & set(loaded)


def test_jaxtut_runs_where_torch_is_not():
    assert len(JAX_SIDE) > 40
    imports = "; ".join(f"import {name}" for name in JAX_SIDE)
    run(f"import sys; sys.modules['torch'] = None; sys.modules['torch_ref'] = None; {imports}")


def test_torch_ref_runs_where_jax_is_not():
    assert len(TORCH_SIDE) > 15
    blocked = "; ".join(f"sys.modules[{name!r}] = None" for name in ("jax", "jaxlib", "flax", "optax", "jaxtut"))
    run(f"import sys; {blocked}; " + "; ".join(f"import {name}" for name in TORCH_SIDE))


def test_no_module_outside_parity_loads_torch_on_its_own():
    imports = "; ".join(f"import {name}" for name in JAX_SIDE)
    assert "torch" not in run(f"import sys; {imports}; print(*(m.split('.')[0] for m in sys.modules))").split()


def test_a_network_trains_where_torch_is_not():
    program = """
import sys
sys.modules["torch"] = None
import jax, numpy as np
from jaxtut import ffn, torch_random
params = ffn.init(torch_random.Generator(0), 4, 8, 3)
x, y = np.eye(4, dtype="float32"), np.array([0, 1, 2, 0])
step = jax.jit(lambda p: jax.tree.map(lambda w, g: w - g, p, jax.grad(ffn.loss)(p, x, y)))
first = float(ffn.loss(params, x, y))
for _ in range(20):
    params = step(params)
print(float(ffn.loss(params, x, y)) < first / 2)
"""
    assert run(program).strip() == "True"


def test_parity_without_torch_says_what_to_install():
    program = """
import sys
sys.modules["torch"] = None
import numpy as np
from jaxtut.errors import MissingDependencyError
from jaxtut.parity import compare
try:
    compare(lambda x: x, lambda x: x, np.ones(1))
except MissingDependencyError as error:
    print(error)
"""
    assert 'pip install "jaxtut[torch]"' in run(program)


def test_unknown_modules_are_named():
    with pytest.raises(AttributeError, match="no attribute 'algebra'; its modules are activations"):
        jaxtut.__getattr__("algebra")
    assert {"parity", "functional"} <= set(dir(jaxtut))
