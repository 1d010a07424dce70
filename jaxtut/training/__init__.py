"""The training pipeline: one step, one compiled epoch, the whole run, and the accuracy."""

from .batches import epoch_indices as epoch_indices
from .callbacks import Callback as Callback
from .callbacks import CSVLogger as CSVLogger
from .callbacks import EarlyStopping as EarlyStopping
from .callbacks import ProgressBar as ProgressBar
from .checkpoints import Checkpoints as Checkpoints
from .epoch import make_epoch as make_epoch
from .evaluation import correct_class as correct_class
from .evaluation import correct_probability as correct_probability
from .evaluation import correct_score as correct_score
from .evaluation import evaluate as evaluate
from .fitting import fit as fit
from .results import FitResult as FitResult
from .results import History as History
from .results import NonFiniteLossError as NonFiniteLossError
from .step import make_train_step as make_train_step
