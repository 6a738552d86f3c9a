"""Looks at a cluster before anything is submitted, and says what would fail.

    check     one check: its verdict, what was found, what to do
    store     the store: seen by other machines, writable, free space
    example   the job that a run of a configuration would submit
    trial     a job of one minute that reports what a node sees, on request
    cluster   all checks of a configuration, in order

What only one scheduler has is in its folder: `xlm.cluster.slurm.check`,
`xlm.cluster.kubernetes.check`.
"""
