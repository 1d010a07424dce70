"""The equivalence engine: are a JAX function and a PyTorch function the same, on what basis, and if not, where do they part first?"""

from jaxtut.naming import tap as tap

from .compare import assert_same_gradients as assert_same_gradients
from .compare import compare as compare
from .report import Report as Report
from .report import Row as Row
