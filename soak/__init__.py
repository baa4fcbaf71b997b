"""Prove delivery the hard way: everything goes wrong at once, and the sender is killed again and again."""
