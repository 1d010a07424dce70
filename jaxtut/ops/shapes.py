"""The array types that recur in the signatures of the operations, named once."""

from jax.typing import ArrayLike
from jaxtyping import Array, Float, Integer, Shaped

# Arguments: NumPy arrays are taken too. Results: always JAX arrays.
AnyFloats = Float[ArrayLike, "*shape"]
Floats = Float[Array, "*shape"]
# Integers too, where PyTorch takes them.
AnyNumbers = Shaped[ArrayLike, "*shape"]
Numbers = Shaped[Array, "*shape"]
Scores = Float[ArrayLike, "*batch classes"]
ImagesIn = Float[ArrayLike, "*batch channels height width"]
ImagesOut = Float[Array, "*batch channels_out height_out width_out"]
SequencesIn = Float[ArrayLike, "*batch channels length"]
SequencesOut = Float[Array, "*batch channels_out length_out"]
VolumesIn = Float[ArrayLike, "*batch channels depth height width"]
VolumesOut = Float[Array, "*batch channels_out depth_out height_out width_out"]
Vector = Float[ArrayLike, " size"]
Labels = Integer[ArrayLike, "*batch"]
# A loss: a scalar, or one for each element or label.
Losses = Float[Array, "..."]
