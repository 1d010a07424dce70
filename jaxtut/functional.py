"""PyTorch's functions under `torch.nn.functional`'s names, with its arguments, defaults, values, slopes and refusals."""

from .ops.binary import binary_cross_entropy as binary_cross_entropy
from .ops.binary import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from .ops.classification import cross_entropy as cross_entropy
from .ops.classification import nll_loss as nll_loss
from .ops.convolution import conv2d as conv2d
from .ops.encoding import one_hot as one_hot
from .ops.linear import linear as linear
from .ops.pooling import max_pool2d as max_pool2d
from .ops.rectifiers import leaky_relu as leaky_relu
from .ops.rectifiers import relu as relu
from .ops.rectifiers import step as step
from .ops.regression import l1_loss as l1_loss
from .ops.regression import mse_loss as mse_loss
from .ops.sigmoids import logsigmoid as logsigmoid
from .ops.sigmoids import sigmoid as sigmoid
from .ops.sigmoids import tanh as tanh
from .ops.softmax import log_softmax as log_softmax
from .ops.softmax import softmax as softmax
