"""Whether a device is as fast as it should be: rows of a run against its peaks, kept and published runs; the causes."""
