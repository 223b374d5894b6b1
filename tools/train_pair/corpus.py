"""A grammar that writes small stories.

The words, sentences and plots are data (`grammar/*.txt`); this file only decides which parts a story has
and fills the slots so that names, pronouns and things agree from the first sentence to the last.

Two hidden choices shape each story: its *mood* (happy, neutral, sad) decides how it ends, its *verbosity*
(uniform in 0…1) how many optional parts it has. Both vary widely, so that rewards for brevity and for
happiness have something to prefer.
"""

import random
import re
from dataclasses import dataclass, field
from pathlib import Path

GRAMMAR = Path(__file__).parent / "grammar"
MOODS = ("happy", "neutral", "sad")
PRONOUNS = {
    "girl": {"he": "she", "him": "her", "his": "her", "himself": "herself"},
    "boy": {"he": "he", "him": "him", "his": "his", "himself": "himself"},
}
FEMALE_FAMILY = ("mother", "grandmother", "aunt", "big sister")


@dataclass
class Plot:
    """Sentences by key (`deed`, `problem`, `try`, `talk`, and the ends by mood), and slots the plot fixes."""

    lines: dict[str, list[str]] = field(default_factory=dict)
    slots: dict[str, str] = field(default_factory=dict)


def read_lines(name: str) -> list[str]:
    """Lines of a grammar file without comments and blank lines."""
    text = (GRAMMAR / name).read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def read_words() -> dict[str, list[str]]:
    """`<slot> a | b | c` lines → choices by slot."""
    words = {}
    for line in read_lines("words.txt"):
        slot, choices = line[1:].split(">", 1)
        words[slot] = [choice.strip() for choice in choices.split("|")]
    return words


def read_frame() -> dict[str, list[str]]:
    """The sections of frame.txt: sentences that every plot shares."""
    frame: dict[str, list[str]] = {}
    for line in read_lines("frame.txt"):
        if line.startswith("== "):
            section = frame.setdefault(line[3:], [])
        else:
            section.append(line)
    return frame


def read_plots() -> list[Plot]:
    """The plots of plots_*.txt."""
    plots: list[Plot] = []
    for name in ("plots_things.txt", "plots_friends.txt"):
        for line in read_lines(name):
            if line.startswith("== "):
                plots.append(Plot())
                continue
            key, text = line.split(": ", 1)
            if key == "set":
                plots[-1].slots.update([text.split("=", 1)])
            else:
                plots[-1].lines.setdefault(key, []).append(text)
    return plots


class StoryGrammar:
    """Writes stories from a seeded generator of random numbers."""

    def __init__(self) -> None:
        self.words, self.frame, self.plots = read_words(), read_frame(), read_plots()

    def story(self, rng: random.Random) -> str:
        """One story as a single paragraph, 2 to about 15 sentences."""
        plot = rng.choice(self.plots)
        slots = self.draw_slots(rng) | plot.slots
        parts = self.outline(rng, plot, slots)
        return " ".join(self.sentence(rng, part, slots) for part in parts)

    def draw_slots(self, rng: random.Random) -> dict[str, str]:
        """Everything that must stay the same throughout a story."""
        slots = {slot: rng.choice(choices) for slot, choices in self.words.items()}
        gender, friend_gender = rng.choice(("girl", "boy")), rng.choice(("girl", "boy"))
        animals, traits = rng.sample(self.words["animals"], 2), rng.sample(self.words["traits"], 2)
        is_child = rng.random() < 0.4
        slots |= PRONOUNS[gender] | {"f" + key: value for key, value in PRONOUNS[friend_gender].items()}
        slots["name"] = rng.choice(self.words[gender + " names"])
        slots["fname"] = rng.choice([name for name in self.words[friend_gender + " names"] if name != slots["name"]])
        slots["kind"] = gender if is_child else animals[0]
        slots["home"] = slots["child homes"] if is_child else slots["animal homes"]
        slots["trait"] = traits[0]
        slots["a_hero"] = f"a {traits[0]} {slots['kind']}"
        slots["friend"] = f"a {traits[1]} {animals[1]} named {slots['fname']}"
        family_gender = "girl" if slots["family"] in FEMALE_FAMILY else "boy"
        slots["he_family"], slots["him_family"] = PRONOUNS[family_gender]["he"], PRONOUNS[family_gender]["him"]
        return slots

    def outline(self, rng: random.Random, plot: Plot, slots: dict[str, str]) -> list[str]:
        """The templates of one story, in order."""
        mood, verbosity = rng.choice(MOODS), rng.random()
        lines = plot.lines

        def some(choices: list[str], chance: float) -> list[str]:
            return [rng.choice(choices)] if rng.random() < chance else []

        if rng.random() < 0.75 * (1 - verbosity):
            parts = some([line.replace("{deed}", rng.choice(lines["deed"])) for line in self.frame["short"]], 1)
        else:
            weather = self.frame["weather"] + (self.frame["winter"] if slots["season"] == "winter" else [])
            parts = some(self.frame["opening"], 1) + some(self.frame["habit"], 0.8 * verbosity)
            parts += some(lines["problem"], 1) + some(weather, 0.5 * verbosity)
        parts += some(self.frame["upset"], 0.6 * verbosity)
        tries = sum(rng.random() < verbosity for _ in range(2))
        parts += [lines["try"][i] for i in sorted(rng.sample(range(len(lines["try"])), tries))]
        has_friend = rng.random() < 0.9 * verbosity
        if has_friend:
            parts += some(self.frame["meet"], 1) + some(self.frame["ask"], verbosity) + some(lines["talk"], 1)
        company = " friend" if has_friend and rng.random() < 0.6 and mood + " friend" in lines else ""
        parts += some(lines[mood + company], 1)
        reactions = self.frame[mood] + (self.frame[mood + " friend"] if has_friend else [])
        parts += some(reactions, 0.15 + 0.6 * verbosity) + some(self.frame[mood + " ending"], 0.1 + 0.7 * verbosity)
        return parts

    def sentence(self, rng: random.Random, template: str, slots: dict[str, str]) -> str:
        """Chooses the alternatives, fills the slots, mends "a/an" and capital letters."""
        text = re.sub(r"\[([^\]]*)\]", lambda match: rng.choice(match[1].split("|")), template)
        hobby = slots["hobby"].split(" ", 1)
        slots = slots | {"said": rng.choice(("said", "said", "said", "said", "whispered")), "hobbying": ""}
        slots["hobbying"] = gerund(hobby[0]) + " " + hobby[1]
        text = text.format_map(slots)
        text = re.sub(r"\b([Aa])(?= [aeiou])", r"\1n", text)
        text = re.sub(r"^(\"?)([a-z])", lambda match: match[1] + match[2].upper(), text)
        text = re.sub(r"([.!?] \"?|[.!?]\" \")([a-z])", lambda match: match[1] + match[2].upper(), text)
        return re.sub(r"\bi\b", "I", text)


def gerund(verb: str) -> str:
    """climb → climbing, chase → chasing."""
    return verb.removesuffix("e") + "ing" if not verb.endswith("ee") else verb + "ing"


def stories(count: int, seed: int) -> list[str]:
    """`count` stories; the same seed gives the same stories."""
    rng, grammar = random.Random(seed), StoryGrammar()
    return [grammar.story(rng) for _ in range(count)]


if __name__ == "__main__":
    print("\n\n".join(stories(10, seed=1)))
