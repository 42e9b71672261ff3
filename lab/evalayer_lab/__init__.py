"""The lab: prepare data, rehearse evaluation jobs on your machine, and read what they found."""
