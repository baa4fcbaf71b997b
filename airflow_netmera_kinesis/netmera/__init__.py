"""What Netmera knows: its events and message logs, its hooks, and the payload that a hook makes of an event."""
