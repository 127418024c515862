"""Ranks tokens by cleanlab's method for token classification. Runs in an environment with cleanlab.

Usage: python cleanlab_tokens.py TOKENS.pickle RANKS.json
"""

import json
import pickle
import sys
from pathlib import Path

import numpy as np
from cleanlab.token_classification.filter import find_label_issues
from cleanlab.token_classification.rank import get_label_quality_scores

labels, probabilities = pickle.loads(Path(sys.argv[1]).read_bytes())
probabilities = [np.asarray(rows) for rows in probabilities]
issues = find_label_issues(labels, probabilities)
_, scores = get_label_quality_scores(labels, probabilities)
tokens = [(score, i, t) for i, row in enumerate(scores) for t, score in enumerate(row)]
ranks = {
    "issues": [[int(i), int(t)] for i, t in issues],
    "scores of tokens": [[i, t] for _, i, t in sorted(tokens)],
}
Path(sys.argv[2]).write_text(json.dumps(ranks))
