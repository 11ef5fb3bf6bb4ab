"""Headwater (源头): from open data to a model, and the measured effect of every data choice."""

__version__ = "0.1.0"
