"""The front door: one file a verb, which parses, calls one function of a room, and shows what it returns."""
