"""Pictures of the lessons, where people would rather look; `jaxtut plots` draws them all."""

from .activations import draw_activations as draw_activations
from .every_plot import draw_all as draw_all
from .filters import draw_filters as draw_filters
from .gradients import draw_gradients as draw_gradients
from .loss_surface import draw_loss_surface as draw_loss_surface
