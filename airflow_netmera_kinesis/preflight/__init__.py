"""Check, before anything is sent, that everything is there which a run needs; no check writes to a stream."""
