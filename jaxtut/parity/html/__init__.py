"""A report as one HTML page that needs nothing else."""

from .page import page as page
