"""Questions to sample answers to, and a text to measure on. Written for this script; short, so that two cores suffice."""

SUBJECTS = [
    "the sea", "a bicycle", "bread", "winter", "the moon", "a library", "rain", "an old bridge", "coffee", "honesty",
    "a violin", "the internet", "a garden", "tea", "trains", "gravity", "friendship", "a volcano", "paper", "sleep",
]
FORMS = [
    "Tell me about {}.",
    "Why do people like {}?",
    "Explain {} to a child.",
    "Write a short note about {}.",
]
QUESTIONS = [form.format(subject) for subject in SUBJECTS for form in FORMS]

MEASURE = """\
The lighthouse stood at the end of a long stone pier. Every evening the keeper climbed the stairs, cleaned the glass and \
lit the lamp. In summer the boats came home late, and he counted them one by one before he ate. When the first storm of \
the year arrived, three of them were missing. He rang the bell all night. Towards morning a light appeared behind the \
rocks, then another, and at last the third. Nobody thanked him, because nobody knew; but on the following Sunday a basket \
of apples lay before his door, and beneath the apples a new rope for the bell.

Water boils at a lower temperature on a mountain than at the coast, because the air above it weighs less. A cook who \
follows a recipe from the valley will find that potatoes take longer. The pressure cooker was invented for this: a tight \
lid keeps the steam inside, the pressure rises, and with it the temperature at which the water boils.

To install the program, open a terminal and go to the folder with the source. Run the build, then the tests. If a test \
fails, read the first message and not the last: the later ones are usually its consequences. Report the version of the \
compiler, the operating system and the smallest input that shows the fault.
"""
