"""One file a target: each has `ask(model)`, which says what the target refuses or runs slowly."""
