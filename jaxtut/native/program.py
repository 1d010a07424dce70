"""What is computed, in numbers. Modules named like it write the loops."""

from typing import NamedTuple

from .loops import Padding, Products, Sums


class Rows(NamedTuple):
    """A function of each row of numbers.

    Attributes:
        number: how many rows, one behind the other.
        length: numbers of a row.
        function: which one, a key of `ROW_ARGUMENTS`.
    """

    number: int
    length: int
    function: str

    results = 1

    @property
    def arguments(self) -> int:
        """How many arrays it is of."""
        return ROW_ARGUMENTS[self.function]


# What a number of a row costs, in multiplications of a convolution.
ROW_WORK = 8
# The functions of rows, and of how many arrays each is.
ROW_ARGUMENTS = {
    "softmax": 1,
    "jacobian product": 2,
    "log softmax": 1,
    "log gradient": 2,
    "label loss": 2,
    "label gradient": 3,
}


# Numbers of a map that are a piece of work.
BLOCK = 4096


class Map(NamedTuple):
    """The same function of each number, or the product of its slope there and another number.

    Attributes:
        number: how many numbers.
        function: which one, a key of `functions.FUNCTIONS`.
        parameters: of the function.
        is_product: whether there is another array, for whose numbers the product is.
    """

    number: int
    function: str
    parameters: tuple[float, ...]
    is_product: bool

    results = 1

    @property
    def arguments(self) -> int:
        """How many arrays it is of."""
        return 2 if self.is_product else 1


class Copy(NamedTuple):
    """The same numbers at another place.

    Attributes:
        number: how many.
    """

    number: int

    arguments, results = 1, 1


class Move(NamedTuple):
    """The same numbers with two axes exchanged.

    Attributes:
        rows: of the source, and columns of the result.
        columns: of the source.
    """

    rows: int
    columns: int

    arguments, results = 1, 1


class Patches(NamedTuple):
    """Images cut into patches that lie side by side, where each position within a patch makes an image of its own; or back.

    image[plane, i · kernel + k] ↔ patches[plane, k, i]

    Attributes:
        planes: how many images.
        size: of each, along each axis; what is left of it behind the last patch is not read, and zeros are written there.
        kernel: the size of a patch.
        inner: neighbouring numbers that stand at one position of the last axis.
        is_back: whether images are made of patches.
    """

    planes: int
    size: tuple[int, ...]
    kernel: tuple[int, ...]
    inner: int
    is_back: bool

    arguments, results = 1, 1

    @property
    def counts(self) -> tuple[int, ...]:
        """How many patches lie along each axis."""
        return tuple(n // k for n, k in zip(self.size, self.kernel, strict=True))


class AdamStep(NamedTuple):
    """A step of Adam.

    Attributes:
        number: how many parameters.
        b1: how much of the running mean of the gradient is kept.
        b2: how much of that of its square.
        eps: added to the root.
        weight_decay: factor of the parameters, added to the gradient.
        decoupled: whether it is added to the step instead.
        maximize: whether the gradient is climbed.
    """

    number: int
    b1: float
    b2: float
    eps: float
    weight_decay: float
    decoupled: bool
    maximize: bool

    arguments, results = 5, 3


class GivingBack(NamedTuple):
    """Numbers of windows, each added at the place of one of the window's members.

    Attributes:
        planes: how many.
        size: of each, along each axis.
        kernel: members of a window along each axis.
        strides: positions between neighbouring windows.
        pads: how far the first window begins before the plane.
        dilations: positions between neighbouring members.
        counts: how many windows.
    """

    planes: int
    size: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]
    counts: tuple[int, ...]

    arguments, results = 2, 1


class Program(NamedTuple):
    """A function of arrays: of source and factor where it is sums or products.

    Attributes:
        dtype: of all numbers.
        main: what is computed.
        padding: what becomes of the source first, if anything; the padded source is then a second result.
    """

    dtype: str
    main: Sums | Products | Rows | Map | Copy | Move | Patches | AdamStep | GivingBack
    padding: Padding | None = None

    @property
    def arguments(self) -> int:
        """How many arrays it is of."""
        return self.main.arguments

    @property
    def results(self) -> int:
        """How many arrays it fills."""
        return self.main.results if self.padding is None else 2
