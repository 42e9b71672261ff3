"""The sections of a report, a module each: what it works out, what is to be said of it, and how it is printed."""

__all__ = ()
