"""One study a module: from a scorer's evidence to a finding."""
