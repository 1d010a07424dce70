"""Data sets and the loader that cuts them into batches, on the host, in NumPy arrays."""

from .catalog import breast_cancer as breast_cancer
from .catalog import cifar10 as cifar10
from .catalog import digits as digits
from .catalog import mnist as mnist
from .catalog import wine as wine
from .collate import default_collate as default_collate
from .dataset import ArrayDataset as ArrayDataset
from .dataset import ConcatDataset as ConcatDataset
from .dataset import Dataset as Dataset
from .dataset import Subset as Subset
from .loader import DataLoader as DataLoader
from .loader import iterations_per_epoch as iterations_per_epoch
from .readers import read_cifar10 as read_cifar10
from .readers import read_idx as read_idx
from .samplers import BatchSampler as BatchSampler
from .samplers import RandomSampler as RandomSampler
from .samplers import SequentialSampler as SequentialSampler
from .scaling import standardize as standardize
from .splitting import random_split as random_split
from .splitting import train_test_split as train_test_split
