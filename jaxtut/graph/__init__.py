"""See any JAX function as a computational graph: values, local gradients, and the gradients of the backward pass."""

from ..naming import tap as tap
from .computational_graph import Graph as Graph
from .group import Group as Group
from .node import ImplicitJacobian as ImplicitJacobian
from .node import Node as Node
from .opening import OPENABLE as OPENABLE
from .opening import OPENED as OPENED
from .tracing import trace as trace
