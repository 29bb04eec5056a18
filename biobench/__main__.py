"""``python -m biobench``."""

from biobench.cli.main import main

main()
