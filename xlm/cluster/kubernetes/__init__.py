"""Jobs as objects of a Kubernetes cluster: a JobSet where the cluster has it, else an indexed Job.

    scheduler    submit, find and cancel; the only module that others import
    names        names and labels, by which every object of a job is found
    manifests    the objects that are created
    pod          the template of their pods
    workloads    the attempts of a job, with what belongs to each
    status       what objects and pods say about a job
    pods         what one pod says: why it waits, how it ended
    api          requests, repeated while the server does not answer
    access       credentials: kubeconfig, context, or those of a pod
    kubeconfig   its context, and the credentials of its user
    credential_program  the program that a kubeconfig names, with a time limit
    refusals     the server's answers as one-line errors
    follow       the logs of a job's pods as they are written

Only `access` and `kubeconfig` import the package `kubernetes`, when the first request is made.
"""
