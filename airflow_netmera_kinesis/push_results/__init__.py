"""Turn the pages of push results into exports: what is new in them, each row once, in files that appear whole."""
