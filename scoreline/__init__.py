"""Serverless credit scoring: the rooms that functions, training and the command line share."""

__version__ = "0.1.0"
