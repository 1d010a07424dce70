"""Transforms of pictures under torchvision's names: Pillow's pixels, PyTorch's random numbers, NumPy's arrays."""

from .base import InterpolationMode as InterpolationMode
from .color import Grayscale as Grayscale
from .composition import Compose as Compose
from .composition import Lambda as Lambda
from .composition import RandomApply as RandomApply
from .conversion import ConvertImageDtype as ConvertImageDtype
from .conversion import PILToTensor as PILToTensor
from .conversion import ToPILImage as ToPILImage
from .conversion import ToTensor as ToTensor
from .cropping import CenterCrop as CenterCrop
from .cropping import RandomCrop as RandomCrop
from .erasing import RandomErasing as RandomErasing
from .flipping import RandomHorizontalFlip as RandomHorizontalFlip
from .flipping import RandomVerticalFlip as RandomVerticalFlip
from .normalization import Normalize as Normalize
from .padding import Pad as Pad
from .resizing import Rescale as Rescale
from .resizing import Resize as Resize
from .rotation import RandomRotation as RandomRotation
from .whitening import LinearTransformation as LinearTransformation
from .whitening import whitening_matrix as whitening_matrix
