"""Foretell, from the exports alone and without AWS, what a run would send and what its streams must take."""
