"""The console commands: parse, call the library, write files."""
