"""How the processes of a training job start and end.

Parent side, in the process of the pipeline, without torch:
    job         the job file
    driver      starts a job and waits for its end
    reporting   reports progress from the files of the main process
    launcher    the protocol of launchers, implemented on this machine by `local` and `ranks`

Child side, in each training process:
    entry               the main function
    child               logging, torch, stop signals, exit codes
    distributed         the process group
    stop                stop requests that all processes agree on
    error_translation   one-line errors

Both sides: `xlm.processes.failure`, the error reports of processes.
"""
