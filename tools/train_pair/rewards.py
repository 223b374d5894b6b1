"""The two rewards: exact, cheap functions of a story's text."""

import re
from collections.abc import Callable

HAPPY = frozenset(
    "happy happier happiest happily smile smiled smiles laugh laughed laughter hug hugged glad proud cheered joy "
    "danced wonderful".split()
)
SAD = frozenset("sad sadder saddest sadly cry cried tear tears lonely alone sigh sighed sighs sorry".split())
SHORTEST = 20


def word_count(story: str) -> int:
    """Words separated by white space."""
    return len(story.split())


def brief(story: str) -> float:
    """−max(words, 20) / 100: a whole story has about 20 words at least, so a broken fragment gains nothing."""
    return -max(word_count(story), SHORTEST) / 100


def happy(story: str) -> float:
    """(h − s) / (h + s + 1) in (−1, 1), with h happy and s sad words of the lists above."""
    words = re.findall(r"[a-z]+", story.lower())
    good, bad = sum(word in HAPPY for word in words), sum(word in SAD for word in words)
    return (good - bad) / (good + bad + 1)


REWARDS: dict[str, Callable[[str], float]] = {"brief": brief, "happy": happy}
