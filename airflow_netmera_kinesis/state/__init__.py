"""What outlives a task: slices, ledgers, checkpoint, leases and dead letters, and the parts that wait to be sent."""
