"""The texts every tokenizer fixture is checked on: 2,200 of them, from seed 7, some not valid UTF-8."""

import inspect
import random
import textwrap
import unicodedata

COUNT = 2200

SENTENCES = [
    "The quick brown fox jumps over the lazy dog, doesn't it?",
    "She'd said: \"I'll be there by 10:30 a.m.\", but they've left; it's WE'LL and I'M and don'T now.",
    "Once upon a time there was a small dragon who liked to bake bread.",
    "Der Fluß überquert die Straße; Größe, Ärger und Öl. Ça va très bien, à bientôt!",
    "¿Dónde está la biblioteca? El niño comió piñas y ñoquis.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "Ο καλύτερος χρόνος είναι τώρα· δεν υπάρχει άλλος.",
    "我们今天去公园散步，天气非常好。你吃饭了吗？",
    "私は毎朝コーヒーを飲みます。東京タワーは高いです！",
    "나는 오늘 아침에 커피를 마셨습니다. 한국어 문장.",
    "ذهب الولد إلى المدرسة صباح اليوم، وكان الطقس جميلاً.",
    "הילד הלך לבית הספר הבוקר, ומזג האוויר היה יפה.",
    "मैं आज बाज़ार गया था और सब्ज़ियाँ खरीदीं।",
    "วันนี้อากาศดีมาก เราไปเดินเล่นกันเถอะ",
    "Tiếng Việt có nhiều dấu thanh: ạ ả ấ ầ ẩ ẫ ậ.",
    "İstanbul'da ılık bir gün; ŞİMDİ ığüşöç.",
]
EMOJI = [
    "😀", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇫🇷", "❤️", "🧑🏿‍🚀", "1️⃣", "☃", "🤷🏼‍♀️", "🫠", "\U0001FAE8",
]
SPACES = [
    " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x1f", "\x85", "\u00a0", "\u1680",
    "\u180e", "\u2003", "\u2009", "\u200b", "\u200d", "\u2028", "\u2029", "\u202f", "\u205f", "\u2060", "\u3000",
    "\ufeff", "    ", "        ", "▁", "▁▁",
]
DIGITS = [
    "0", "7", "42", "123", "1234", "123456789", "3.14159", "1,000,000", "-17e-3", "0x1F", "١٢٣", "४५६", "²³¹", "½¾",
    "ⅣⅫ", "①②③", "１２３", "〇一二", "𝟘𝟙𝟚", "1st", "2nd", "v2.0.1", "2024-02-29", "৫৬",
]
LOOKALIKES = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|im_start|>user\n", "<|im_end|>\n", "<s>", "</s>", "<unk>", "<bos>",
    "<eos>", "<pad>", "<start_of_turn>", "<end_of_turn>", "<|begin_of_text|>", "<|eot_id|>", "<|endoftext", "|endoftext|>",
    "<|im_start |>", "< s>", "<<s>>", "</s></s>", "<0x41>", "<0x0A>", "<0xE4>", "[INST]", "[/INST]", "<tool_call>",
    "</tool_call>", "|||EMAIL|||", "LEFT", "RIGHT", "WORD", "BOTH", "wORD", "WORDs", "_WORD", "é tude", "étude",
    "e\u0301tude", "ÉTUDE", "<|IM_START|>", "\n\n\n", "\t\t", "ABAB", "ABABAB",
]
MARKS = ["\u0301", "\u0308", "\u0327", "\u0323", "\u0345", "\u3099", "\u0e48", "\u093c", "\u1ab0", "\u20d0"]
BASES = "aeiouAEIOUncsyzĸßſKÅΩ한각がか"
CASES = ["'S", "'ſ", "'LL", "'Re", "'vE", "'D", "'m", "’s", "'t'd", "''s", "K's", "İ", "ǅ", "ß", "ﬃ", "ſt", "Å", "Ω"]
INVALID = [
    b"\x80", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe4\xbd", b"\xf0\x9f\x98", b"\xc3", b"\xf0\x80",
    b"\xe2\x82", b"\xfe\xff", b"\xf5\x80\x80\x80", b"\xe0\x9f\xbf", b"\xc3\x28",
]


def code_lines():
    """Source lines of two standard modules."""
    return [line for module in (textwrap, random) for line in inspect.getsource(module).splitlines(keepends=True)]


def scalar(rng):
    """Any scalar, lower planes more often; only those that have been assigned since Unicode 14."""
    while True:
        value = rng.choice([rng.randrange(0x80), rng.randrange(0x3000), rng.randrange(0x10000), rng.randrange(0x110000)])
        if unicodedata.category(chr(value)) not in ("Cn", "Cs"):
            return chr(value)


def word(rng):
    return rng.choice(rng.choice(SENTENCES).split())


def mixed(rng, *lists, count=8):
    """Some entries of the lists with words and nothing or a space between them."""
    parts = []
    for _ in range(rng.randrange(1, count)):
        parts.append(rng.choice(rng.choice(lists)) if rng.random() < 0.7 else word(rng))
        parts.append(rng.choice(["", "", " "]))
    return "".join(parts)


def text(rng, index, code):
    kind = index % 11
    if kind == 0:
        return rng.choice(SENTENCES) + rng.choice(["", " ", "\n"]) + rng.choice(SENTENCES)
    if kind == 1:
        start = rng.randrange(len(code) - 4)
        return "".join(code[start : start + rng.randrange(1, 4)])
    if kind == 2:
        return mixed(rng, EMOJI, SPACES)
    if kind == 3:
        return mixed(rng, SPACES, SPACES, count=10)
    if kind == 4:
        return mixed(rng, DIGITS, DIGITS, SPACES)
    if kind == 5:
        return mixed(rng, LOOKALIKES, LOOKALIKES, SPACES)
    if kind == 6:
        return "".join(rng.choice(BASES) + rng.choice(MARKS) * rng.randrange(3) for _ in range(rng.randrange(1, 20)))
    if kind == 7:
        return mixed(rng, CASES, CASES, [w.swapcase() for w in SENTENCES[1].split()])
    if kind == 8:
        return "".join(scalar(rng) for _ in range(rng.randrange(1, 16)))
    if kind == 9:
        return rng.choice("aA .-=é中\n😀") * rng.randrange(1, 60) + mixed(rng, LOOKALIKES, SPACES, count=3)
    return mixed(rng, INVALID_TEXT, EMOJI, SPACES)


INVALID_TEXT = ["\udc00%d\udc01" % index for index in range(len(INVALID))]


def to_bytes(line):
    """UTF-8, with the invalid sequences put in."""
    data = line.encode("utf-8", "surrogatepass")
    for index, invalid in enumerate(INVALID):
        data = data.replace(INVALID_TEXT[index].encode("utf-8", "surrogatepass"), invalid)
    return data


def lines():
    rng = random.Random(7)
    code = code_lines()
    fixed = ["", " ", "  ", "\n", "a", " a", "a ", "▁", " ▁ ", "é", "e\u0301", "\u0301", "😀", "<s>", "a" * 3000, "ab" * 700]
    made = [text(rng, index, code) for index in range(COUNT - len(fixed))]
    return [to_bytes(line) for line in fixed + made]
