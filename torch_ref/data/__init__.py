"""Data sets as NumPy arrays, and PyTorch's own loader that cuts them into batches."""

from torch.utils.data import BatchSampler as BatchSampler
from torch.utils.data import ChainDataset as ChainDataset
from torch.utils.data import ConcatDataset as ConcatDataset
from torch.utils.data import DataLoader as DataLoader
from torch.utils.data import Dataset as Dataset
from torch.utils.data import IterableDataset as IterableDataset
from torch.utils.data import RandomSampler as RandomSampler
from torch.utils.data import SequentialSampler as SequentialSampler
from torch.utils.data import Subset as Subset
from torch.utils.data import SubsetRandomSampler as SubsetRandomSampler
from torch.utils.data import WeightedRandomSampler as WeightedRandomSampler
from torch.utils.data import default_collate as default_collate
from torch.utils.data import get_worker_info as get_worker_info
from torch.utils.data import random_split as random_split
from torch.utils.data._utils.worker import WorkerInfo as WorkerInfo

from .catalog import breast_cancer as breast_cancer
from .catalog import cifar10 as cifar10
from .catalog import digits as digits
from .catalog import mnist as mnist
from .catalog import wine as wine
from .dataset import ArrayDataset as ArrayDataset
from .loader import iterations_per_epoch as iterations_per_epoch
from .prefetch import prefetch_to_device as prefetch_to_device
from .readers import read_cifar10 as read_cifar10
from .readers import read_idx as read_idx
from .scaling import standardize as standardize
from .splitting import train_test_split as train_test_split
