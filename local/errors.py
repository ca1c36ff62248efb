"""Errors that the local stack reports to the person who started it."""

from __future__ import annotations


class StackError(Exception):
    """The stack cannot start or cannot continue; the message is for people."""
