"""The watch's day: sensor, ring buffer, windows, model, smoothing and sleep, as discrete events.

`day.simulate_day` plays the hours, `report.stream` turns them into figures, `decisions.decide` says what the
watch would have said of a recording, `picture.draw_timeline` shows the first seconds. docs/stream.md.
"""
