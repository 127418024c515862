"""Colours of labels in displaCy, which shows labels that it does not know in grey."""

COLORS = {
    "PER": "#aa9cfc",
    "PHONE": "#bfeeb7",
    "COURIER": "#feca74",
    "ADDRESS": "#ffb3c1",
    "EMAIL": "#9cc9cc",
    "MISC": "#e4e7d2",
}
