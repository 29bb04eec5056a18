"""The commands ``biobench submit`` and ``biobench leaderboard``; ``biobench`` finds them through entry points."""
