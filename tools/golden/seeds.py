"""Seeds whose results do not hang on the last bits."""
import itertools


class Unfit(Exception):
    """A seed whose decisions hang on the last bits, or that shows too little."""


def first_fit(attempt):
    """The first seed from 1 on for which attempt(seed) is not Unfit, and its result."""
    for seed in itertools.count(1):
        try:
            return seed, attempt(seed)
        except Unfit:
            pass
