"""Find out how an unknown file can be read: a good guess, shown with what it would give."""
