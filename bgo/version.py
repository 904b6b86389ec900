"""The version, in one place: the build reads it, and `bgo --version` prints it without loading anything else."""

VERSION = "0.1.0"
