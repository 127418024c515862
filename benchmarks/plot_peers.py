"""Plots the table that peers.py writes: words per second of each row, as bars."""

import csv
import sys

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt

table, picture = sys.argv[1:]
with open(table, encoding="utf-8") as lines:
    rows = list(csv.DictReader(lines, delimiter="\t"))[::-1]
names = [row[""] for row in rows]
speeds = [float(row["words/s"]) for row in rows]
colors = ["tab:blue" if name.startswith("xner") else "tab:gray" for name in names]
figure, axes = plt.subplots(figsize=(8, 0.35 * len(rows) + 1))
bars = axes.barh(names, speeds, color=colors)
axes.bar_label(bars, fmt="%.0f", padding=3)
axes.set_xlabel("words per second")
axes.spines[["top", "right"]].set_visible(False)
figure.tight_layout()
figure.savefig(picture)
