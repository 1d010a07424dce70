"""Pure functions of images, for NumPy arrays and JAX's alike: the pixels behind the transforms, as torchvision computes those of tensors.

An image has shape (..., channels, height, width). What comes in as a NumPy array goes out as one, without JAX; what comes in as a JAX
array may be traced, and so may every number that is no size.
"""
