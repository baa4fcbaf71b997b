"""Talk to Netmera's REST API; the HTTP session, the clock and the sleep are handed in."""
