"""Measure what a million matched events cost, beside what people write first, and hold it against the goals."""
