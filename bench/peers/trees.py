"""Scores with daal4py and with lignum, compiled: `python trees.py FOLDER`.

FOLDER holds trees.json and rows.npy. Each line of the standard input asks for the timing and the
first answers of a way to score; the answer is a line of JSON.
"""

import json
import sys
import time
from itertools import pairwise
from pathlib import Path

import daal4py
import lignum
import numpy as np
import xgboost
from daal4py.mb import convert_model

folder = Path(sys.argv[1])
rows = np.load(folder / "rows.npy")
doubles = rows.astype(np.float64)  # lignum would convert at every call
daal = convert_model(xgboost.Booster(model_file=folder / "trees.json"))
compiled = lignum.load(str(folder / "trees.json"))
compiled.compile(work_dir=str(folder))
ways = {
    "daal4py": lambda part, _threads: daal.predict_proba(rows[part])[:, 1],
    "daal4py contributions": lambda part, _threads: daal.predict(rows[part], pred_contribs=True),
    "lignum": lambda part, threads: compiled.predict(doubles[part], n_jobs=threads),
}

for line in sys.stdin:
    way, start, stop, calls, threads = json.loads(line)
    daal4py.daalinit(threads)
    bounds = np.linspace(start, stop, calls + 1).astype(int)
    wall, began = [], time.process_time()
    for low, high in pairwise(bounds):
        started = time.perf_counter()
        found = ways[way](slice(low, high), threads)
        wall.append(time.perf_counter() - started)
    timing = {"wall": wall, "processor": time.process_time() - began}
    print(json.dumps({"timing": timing, "answers": found[:1000].tolist()}), flush=True)
