"""Optimizers, learning-rate schedules and gradient clipping under PyTorch's names, built on Optax."""

from .adadelta import Adadelta as Adadelta
from .adagrad import Adagrad as Adagrad
from .adam import Adam as Adam
from .adam import AdamW as AdamW
from .adamax import Adamax as Adamax
from .clipping import clip_grad_norm as clip_grad_norm
from .clipping import clip_grad_value as clip_grad_value
from .nadam import NAdam as NAdam
from .one_cycle import OneCycleLR as OneCycleLR
from .plateau import ReduceLROnPlateau as ReduceLROnPlateau
from .radam import RAdam as RAdam
from .rmsprop import RMSprop as RMSprop
from .schedules import CosineAnnealingLR as CosineAnnealingLR
from .schedules import ExponentialLR as ExponentialLR
from .schedules import LinearLR as LinearLR
from .schedules import MultiStepLR as MultiStepLR
from .schedules import StepLR as StepLR
from .sgd import SGD as SGD
from .stepping import step as step
