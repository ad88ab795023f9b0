"""What cutting a text into tokens costs in the package tokenizers, one core: beside tokenizer.lua.

usage: python tokenizer.py TOKENIZER.json TEXT
"""

import os
import sys
import time

os.environ["RAYON_NUM_THREADS"] = "1"

from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file(sys.argv[1])
with open(sys.argv[2], encoding="utf-8") as file:
    text = file.read()
for name in ("cpu_s", "again_cpu_s"):
    start = time.process_time()
    ids = tokenizer.encode(text).ids
    print(name, round(time.process_time() - start, 3), "tokens", len(ids))
