"""The commands about runs that one keeps: names, deleted and imported runs, trend, verdict."""
