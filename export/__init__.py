"""The second room: turns a run's student into model files and proves that they still say what it says."""
