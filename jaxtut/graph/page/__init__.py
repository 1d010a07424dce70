"""The page of a graph."""

from .page import page as page
