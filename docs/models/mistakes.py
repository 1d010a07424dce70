"""Mistakes that ports make, each as the right line and the wrong one, to be planted into the two ports of this folder."""

from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True)
class Mistake:
    """One wrong line.

    Attributes:
        model: the port it goes into, 'resnet' or 'transformer'.
        right: the text of the port that is replaced; it stands there once.
        wrong: what replaces it.
        first: the name at which the two sides part first.
        train: whether it shows in training alone, where batch norm takes the statistics of the batch.
    """

    model: str
    right: str
    wrong: str
    first: str
    train: bool = False

    @property
    def file(self) -> Path:
        """The file of the port."""
        return Path(__file__).with_name(f"{self.model}_flax.py")

    def source(self) -> str:
        """Return the port with the mistake in it."""
        text = self.file.read_text(encoding="utf-8")
        if text.count(self.right) != 1:
            raise ValueError(f"{self.file.name} must hold {self.right!r} once, not {text.count(self.right)} times")
        return text.replace(self.right, self.wrong)

    def port(self) -> ModuleType:
        """Return the port with the mistake in it, as a module."""
        module = ModuleType(f"{self.model}_with_a_mistake")
        exec(compile(self.source(), str(self.file), "exec"), vars(module))
        return module

    def diff(self) -> str:
        """Return the lines that change: the wrong ones behind a minus, the right ones behind a plus."""
        right, wrong = self.file.read_text(encoding="utf-8").splitlines(), self.source().splitlines()
        changes = list(unified_diff(wrong, right, n=0, lineterm=""))[2:]
        return "\n".join(f"{line[0]} {line[1:].strip()}" for line in changes if not line.startswith("@@"))


RESNET = {
    "padding": Mistake(
        "resnet",
        "(3, 3), strides=stride, padding=1, use_bias",
        '(3, 3), strides=stride, padding="SAME", use_bias',
        "block2.conv1",
    ),
    "layout": Mistake(
        "resnet",
        "x = jnp.transpose(images, (0, 2, 3, 1))",
        "x = images.reshape(-1, 16, 16, 3)",
        "conv",
    ),
    "kernel": Mistake("resnet", "value.transpose(2, 3, 1, 0)", "value.transpose(3, 2, 1, 0)", "conv"),
    "epsilon": Mistake("resnet", "epsilon: float = 1e-5", "epsilon: float = 1e-3", "bn"),
    "mode": Mistake("resnet", "    model.eval()\n", "", "bn"),
    "relu": Mistake("resnet", "nnx.relu(y + x))", "y + x)", "block1.out"),
    "momentum": Mistake(
        "resnet", "momentum=1 - momentum", "momentum=momentum", "running.block1.bn1.running_mean", train=True
    ),
    "unbiased": Mistake(
        "resnet", "x.var((0, 1, 2), ddof=1)", "x.var((0, 1, 2))", "running.block1.bn1.running_var", train=True
    ),
    "gradient": Mistake("resnet", "jax.lax.stop_gradient(value[...])", "value[...]", "block2.conv2", train=True),
    # Shows at exact zeros alone, of which a network has many whose blocks start as the identity.
    "maximum": Mistake("resnet", "nnx.relu(y + x))", "jnp.maximum(y + x, 0))", "block1.bn2"),
}

TRANSFORMER = {
    "epsilon": Mistake("transformer", "epsilon=1e-5, ", "", "norm1"),
    "scale": Mistake("transformer", " / math.sqrt(width // self.heads)", "", "attention.scores"),
    "mask": Mistake(
        "transformer",
        "jnp.tril(jnp.ones((length, length), bool))",
        "jnp.tril(jnp.ones((length, length), bool), 1)",
        "attention.weights",
    ),
    "heads": Mistake(
        "transformer",
        "t.reshape(batch, length, self.heads, -1).transpose(0, 2, 1, 3)",
        "t.reshape(batch, self.heads, length, -1)",
        "attention.scores",
    ),
    "transposed": Mistake(
        "transformer",
        '"out": linear("attention.out"),',
        '"out": {"kernel": params["attention.out.weight"], "bias": params["attention.out.bias"]},',
        "attention.out",
    ),
    "gelu": Mistake("transformer", ", approximate=False", "", "mlp.gelu"),
}
