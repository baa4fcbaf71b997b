"""How records reach Kinesis: in order for each user, judged one by one, written down before anything goes on."""
