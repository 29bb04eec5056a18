"""The command line: one file a command. Nothing here is imported before its command runs."""
