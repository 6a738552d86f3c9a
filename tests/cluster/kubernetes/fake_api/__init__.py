"""A small API server of Kubernetes over real HTTP, for tests.

    with FakeApi(role=ROLE) as cluster:
        cluster.faults.add("POST jobs", Drop(after=True))
        scheduler = KubernetesScheduler(settings(cluster), store_root=root)

It has what our code depends on: names that are taken (409), label and field selectors, versions,
watches that end, deletion with propagation, strict validation against the published schemas,
namespaces, tokens and a Role. Nobody sets the status of its objects: tests do, or `controllers`.
"""
