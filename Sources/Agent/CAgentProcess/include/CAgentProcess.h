#ifndef CAGENTPROCESS_H
#define CAGENTPROCESS_H

#include <sys/types.h>

/// What to start; every pointer is read only during the call.
struct cagent_launch {
    /// An absolute path, or one relative to `folder`.
    const char *program;
    char *const *arguments;
    char *const *environment;
    /// The working folder.
    const char *folder;
    /// Becomes standard output and standard error.
    int output;
};

/// Starts a process as leader of a session of its own, with /dev/null as input and no other descriptor of ours. The
/// kernel kills it when the calling thread ends, so call this on a thread that stays to wait for it.
///
/// Returns the process id, or -1 with errno: of the failed fork (`*in_child` 0), or of what failed in the new process,
/// usually its execve (`*in_child` 1).
pid_t cagent_start(const struct cagent_launch *launch, int *in_child);

#endif
