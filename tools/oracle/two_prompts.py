"""Writes the prompts of docs/how-to/two-prompts.md and judges a sweep's answers. Needs nothing but Python.

two_prompts.py prompts DIRECTORY       the prompts, and plain.jsonl, the reference prompts of the context use
two_prompts.py table USE SAMPLES.jsonl the shares of answers with Wilson's 95 % intervals, by λ; USE is short, idle, lower or context
"""
import json, math, re, sys
from pathlib import Path

# A question, its answer, and an answer that is false.
FACTS = [
    ("What is the capital of France?", "Paris", "Lyon"),
    ("What is the capital of Italy?", "Rome", "Milan"),
    ("What is the capital of Spain?", "Madrid", "Seville"),
    ("What is the capital of Germany?", "Berlin", "Hamburg"),
    ("What is the capital of Japan?", "Tokyo", "Osaka"),
    ("What is the capital of China?", "Beijing", "Shanghai"),
    ("What is the capital of Russia?", "Moscow", "Kazan"),
    ("What is the capital of Egypt?", "Cairo", "Luxor"),
    ("What is the capital of Greece?", "Athens", "Corinth"),
    ("What is the capital of Poland?", "Warsaw", "Krakow"),
    ("What is the capital of Portugal?", "Lisbon", "Porto"),
    ("What is the capital of England?", "London", "Leeds"),
    ("What is the capital of Ireland?", "Dublin", "Cork"),
    ("What is the capital of Austria?", "Vienna", "Graz"),
    ("What is the capital of Sweden?", "Stockholm", "Malmo"),
    ("What is the capital of Norway?", "Oslo", "Bergen"),
    ("What is the capital of Cuba?", "Havana", "Trinidad"),
    ("What is the capital of Peru?", "Lima", "Cusco"),
    ("What is the capital of India?", "Delhi", "Mumbai"),
    ("What is the capital of Turkey?", "Ankara", "Istanbul"),
    ("What is the capital of Iran?", "Tehran", "Shiraz"),
    ("What is the capital of Kenya?", "Nairobi", "Mombasa"),
    ("What is the capital of Hungary?", "Budapest", "Szeged"),
    ("What is the capital of Belgium?", "Brussels", "Ghent"),
    ("Which planet is the largest?", "Jupiter", "Mars"),
    ("Which planet is closest to the sun?", "Mercury", "Neptune"),
    ("Which planet is known as the red planet?", "Mars", "Saturn"),
    ("Which animal is the largest?", "whale", "rabbit"),
    ("Which animal is known as the king of the jungle?", "lion", "goat"),
    ("Which ocean is the largest?", "Pacific", "Arctic"),
    ("Who wrote Romeo and Juliet?", "Shakespeare", "Dickens"),
    ("Who painted the Mona Lisa?", "Leonardo", "Monet"),
    ("Who developed the theory of relativity?", "Einstein", "Darwin"),
    ("Who was the first president of the United States?", "Washington", "Kennedy"),
    ("Who was the first man on the moon?", "Armstrong", "Gagarin"),
    ("What is the chemical formula of water?", "H2O", "CO2"),
    ("Which metal is liquid at room temperature?", "mercury", "iron"),
    ("Which gas do plants take in?", "carbon dioxide", "helium"),
    ("In which city is the Eiffel Tower?", "Paris", "Boston"),
    ("In which city is the Colosseum?", "Rome", "Dublin"),
    ("In which country is the Great Wall?", "China", "Brazil"),
    ("In which country are the pyramids of Giza?", "Egypt", "Norway"),
    ("On which continent is Brazil?", "South America", "Europe"),
    ("On which continent is Kenya?", "Africa", "Asia"),
    ("Which language is spoken in Brazil?", "Portuguese", "German"),
    ("Which season comes after winter?", "spring", "autumn"),
    ("Which organ pumps blood?", "heart", "liver"),
    ("Which bird cannot fly and lives in Antarctica?", "penguin", "eagle"),
]


def statement(question, answer):
    """The question as a sentence of the context."""
    return f'A new book answers the question "{question}" like this: {answer}.'


def prompts(folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)

    def write(name, lines):
        (folder / name).write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))

    plain = [question for question, _, _ in FACTS]
    write("plain.jsonl", [{"prompt": question} for question in plain])
    write("short.jsonl", [{"system": "Answer in at most ten words.", "prompt": question} for question in plain])
    write("idle.jsonl", [{"system": "Answer the question.", "prompt": question} for question in plain])
    write("lower.jsonl", [
        {"system": "Write everything in lower case letters. Never use capital letters.",
         "prompt": question + " Answer IN CAPITALS."} for question in plain])
    write("context.jsonl", [
        {"prompt": f"{statement(question, false)}\nAnswer as the book does: {question}"} for question, _, false in FACTS])


def wilson(hits, count):
    p, z = hits / count, 1.959964
    centre = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    return centre - half, centre + half


def place(answer, word):
    found = re.search(r"\b" + re.escape(word.lower()), answer.lower())
    return found.start() if found else None


def judge(use, record):
    """Obeyed, and obeyed and right."""
    _, true, false = FACTS[record["prompt"]]
    text = record["text"].strip()
    at, other = place(text, true), place(text, false)
    if use == "context":
        follows = other is not None and (at is None or other < at)
        return follows, follows
    right = at is not None
    if use == "lower":
        obeyed = text != "" and text == text.lower()
    else:
        obeyed = text != "" and len(text.split()) <= 10 and record["finish_reason"] == "stop"
    return obeyed, obeyed and right


def table(use, paths):
    by = {}
    for path in paths:
        for line in Path(path).read_text().splitlines()[1:]:
            record = json.loads(line)
            by.setdefault(record["lambda"], []).append(judge(use, record))
    print("| λ | answers | obeyed | obeyed and right |\n|---|--:|--:|--:|")
    for name, results in by.items():
        cells = []
        for part in range(2):
            hits = sum(result[part] for result in results)
            low, high = wilson(hits, len(results))
            cells.append(f"{100 * hits / len(results):.0f} % [{100 * low:.0f}–{100 * high:.0f}]")
        print(f"| {name} | {len(results)} | {cells[0]} | {cells[1]} |")


if __name__ == "__main__":
    prompts(sys.argv[2]) if sys.argv[1] == "prompts" else table(sys.argv[2], sys.argv[3:])
