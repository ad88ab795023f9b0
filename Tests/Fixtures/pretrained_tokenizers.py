"""Trains two small tokenizers and records what the package tokenizers makes of 200 hard texts.

usage: python pretrained_tokenizers.py FOLDER

Writes tokenizer-gpt2.json (as GPT-2 has it: no normalizer, merges as "a b", the special token
normalized), tokenizer-neox.json (as GPT-NeoX and Pythia have it: NFC, merges as pairs, runs of
spaces as added tokens) and tokenizer-texts.json with texts, ids and decodings.
"""

import json
import random
import sys

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

TRAINING = """
The memory of a transformer is in its weights. A matrix that maps what it reads to what it writes
is a sum of outer products, one for each association, and noise when there are too many of them.
What's the capital of Spain? It's Madrid, isn't it? We've seen that they're right; I'll say I'd
know, and I'm sure. In 1492 the ships left; by 1519, 237 people were gone. The the the.
def forward(self, x):
    for i in range(10):
        if x[i] != 0.5 and x["key"] is not None:
            return x + 1  # the residual
\tvoid main(int argc, char **argv) { printf("%d\\n", argc); }
Où est la forêt ? Élève, être, garçon, naïve, œuvre. Straße, Äpfel, Öl, über, für, größer.
Ёлка, память, модель, привет, мир, это слова. Ελληνικά, μνήμη, λόγος, καλημέρα.
漢字の記憶、日本語の文章。東京は日本の首都です。机器学习模型的记忆。北京是中国的首都。
한국어 문장과 기억. 서울은 한국의 수도이다. العربية ذاكرة النموذج مدريد عاصمة إسبانيا.
हिन्दी भाषा की स्मृति। नमस्ते दुनिया। ภาษาไทย สวัสดีชาวโลก. עברית שלום עולם.
😀 😃 🎉 👩‍👩‍👧 🇪🇸 ❤️ → ← ≤ ≥ ½ ² Ⅷ € £ “quoted” ‘single’ – — …
"""

TEXTS = [
    "", " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", " \n", "\n ", " \t ", "\u00a0", " \u00a0",
    "\u00a0a", "\u2003x", "\u3000漢字", "\u200b", "\ufeff", "\u0000", "a\u0000b", "\u0085", "\u001f",
    "\u2028x\u2029", "a", " a", "  a", "   a", "a ", "a  ", "a\t\tb", "a\n\nb", "a \n b", "\n\n\na",
    "x" * 24 + " " * 24 + "y", " " * 23, " " * 24, " " * 25, " " * 49, "a" + " " * 30 + "b",
    "\t" * 30, "\n" * 30, " \u00a0 \u00a0 a", "tabs\tand\ttabs", "ends in spaces   ",
    "'", "''", "'s", "'S", "'re", "'r", "'ve", "'ll", "'l", "'d", "'t", "'m", "'x", "it's", "IT'S",
    "they're", "we've I'll I'd I'm don't", "don’t", "'sabc", "a's's", " 's", "!'s", "1's", "'''s",
    "0", "7", "42", "1234567890", "3.14159", "1,000,000", "٣٤٥", "½²Ⅷ", "a1b2", "１２３", "x² + y²",
    "१२३", "❶➀", "!", "!!!", "?!", "...", "(a)",
    "[0]", "{}", "#", "a_b", "__init__", "-", "--", "—",
    "«x»", "“x”", "$5", "€5", "a@b.c", "https://example.org/a?b=c&d=%20", "C:\\path\\file",
    "def f(x):\n    return x + 1\n",
    "\tif (x) {\n\t\ty();\n\t}\n", "for i in range(10):\n        pass",
    "The capital of Spain is Madrid.", "the the the", "The quick brown fox", "MIXED CaSe wOrDs",
    "isn't", "naïve", "nai\u0308ve", "élève",
    "e\u0301le\u0300ve", "Ångström", "A\u030angstro\u0308m",
    "\u212bngstr\u00f6m", "\u2126 Ω", "\u212a K", "\u0301", " \u0301", "a\u0301\u0301", "\u0344",
    "q\u0307\u0323", "q\u0323\u0307", "\u1e69",
    "s\u0323\u0307", "s\u0307\u0323", "\u0958", "\uf900",
    "\ufb1d", "\u0f43", "\u2adc", "\U0001d15e",
    "ﬁ ﬂ", "Straße", "ſ", "İstanbul", "ŉ", "ǅ", "ʰ", "ª º",
    "привет мир", "й", "и\u0306", "Ελληνικά", "ά", "α\u0301", "漢字かな交じり文", "东京", "機械学習",
    "が", "か\u3099", "ガ", "한국어", "\u1100\u1161", "\u1100\u1161\u11a8", "가\u11a8", "각", "ㄱㄴ",
    "العربية", "مَرْحَبًا", "لا إله", "עברית", "שָׁלוֹם",
    "हिन्दी", "नमस्ते दुनिया", "ภาษาไทย", "ខ្មែរ", "தமிழ்",
    "😀", "😀😃", "a😀b", " 😀", "👩‍👩‍👧", "👍🏽", "🇪🇸", "🇪🇸🇫🇷",
    "❤️", "1️⃣", "\U0001f1ea", "𝒜𝔅", "𐍈", "\U0010ffff",
    "\ufffd", "\ufffe", "\ue000", "\U0002f800", "\U00020000",
    "<|endoftext|>", "a<|endoftext|>b", "a <|endoftext|> b", "<|endoftext|><|endoftext|>",
    "<|endoftext|", "<|<|endoftext|>|>", "<|ENDOFTEXT|>", "it<|endoftext|>'s", "<|padding|>",
    "  <|endoftext|>  ", "e<|endoftext|>\u0301",
    "\n<|endoftext|>\n", "  \u0301  ", "       \u0301x",
    "antidisestablishmentarianism", "a" * 300, "ab" * 200, "x" * 1000 + "'s", "漢" * 200,
    "!" * 300, "1" * 300, "the" * 100, "é" * 150, "e\u0301" * 150, "word" * 64 + " " + "word" * 65,
    "Spain Madrid memory transformer weights residual",
]


def train(is_neox):
    tokenizer = Tokenizer(models.BPE())
    if is_neox:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=is_neox)
    trainer = trainers.BpeTrainer(
        vocab_size=1000 if is_neox else 900, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>", "<|padding|>"] if is_neox else [],
    )
    # Often enough for whole words to become tokens.
    tokenizer.train_from_iterator([TRAINING] * 4, trainer)
    if is_neox:
        # From 24 spaces down to 2, as there.
        tokenizer.add_tokens([AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
    else:
        tokenizer.add_special_tokens([AddedToken("<|endoftext|>", normalized=True)])
    return tokenizer


def save(tokenizer, path, is_neox):
    content = json.loads(tokenizer.to_str())
    if not is_neox:
        # As files of the time are: merges of one text, and a model without a type.
        model = content["model"]
        model["merges"] = [" ".join(pair) for pair in model["merges"]]
        for name in ("type", "byte_fallback", "ignore_merges"):
            del model[name]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=not is_neox, separators=(",", ":"))
        file.write("\n")


def record(tokenizer, text, rng):
    ids = tokenizer.encode(text).ids
    # Decoded from a place in the middle too, where characters may be cut.
    first, last = sorted((rng.randint(0, len(ids)), rng.randint(0, len(ids))))
    return {
        "ids": ids,
        "decoded": tokenizer.decode(ids, skip_special_tokens=False),
        "part": [first, last],
        "part_decoded": tokenizer.decode(ids[first:last], skip_special_tokens=False),
    }


def main(folder):
    rng = random.Random(1)
    records = [{"text": text} for text in TEXTS]
    for name in ("gpt2", "neox"):
        path = f"{folder}/tokenizer-{name}.json"
        save(train(name == "neox"), path, name == "neox")
        tokenizer = Tokenizer.from_file(path)
        for entry in records:
            entry[name] = record(tokenizer, entry["text"], rng)
    with open(f"{folder}/tokenizer-texts.json", "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(entry) for entry in records) + "\n]\n")
    print(len(TEXTS), "texts")


if __name__ == "__main__":
    main(sys.argv[1])
