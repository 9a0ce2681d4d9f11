#define _GNU_SOURCE
#include "CAgentProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Between fork and exec only async-signal-safe calls are allowed: the agent has other threads.
static void become(const struct cagent_launch *launch, pid_t parent, int errors) {
    sigset_t none;
    struct rlimit no_core = {0, 0};
    int input;

    if (setsid() < 0) goto failed;
    // Signals are blocked since before the fork: one that was meant for the agent's process group is forgotten here.
    for (int number = 1; number < NSIG; number++) signal(number, SIG_IGN);
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setrlimit(RLIMIT_CORE, &no_core);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) goto failed;
    // The agent may have died before the line above.
    if (getppid() != parent) _exit(127);
    if (chdir(launch->folder) != 0) goto failed;
    input = open("/dev/null", O_RDONLY);
    if (input < 0) goto failed;
    if (dup2(launch->output, 1) < 0 || dup2(launch->output, 2) < 0 || dup2(input, 0) < 0) goto failed;
    // Nothing of the agent's (journal, sockets) reaches the payload; the pipe of errors closes itself at exec.
    if (errors > 3) syscall(SYS_close_range, 3u, (unsigned)errors - 1, 0);
    syscall(SYS_close_range, (unsigned)errors + 1, ~0u, 0);
    execve(launch->program, launch->arguments, launch->environment);
failed:;
    int code = errno;
    ssize_t written = write(errors, &code, sizeof code);
    (void)written;
    _exit(127);
}

pid_t cagent_start(const struct cagent_launch *launch, int *in_child) {
    int channel[2];
    int code = 0;
    ssize_t count;
    pid_t parent = getpid();

    *in_child = 0;
    if (pipe2(channel, O_CLOEXEC) != 0) return -1;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) become(launch, parent, channel[1]);
    int fork_error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(channel[1]);
    if (pid < 0) {
        close(channel[0]);
        errno = fork_error;
        return -1;
    }
    do count = read(channel[0], &code, sizeof code);
    while (count < 0 && errno == EINTR);
    close(channel[0]);
    if (count != (ssize_t)sizeof code) return pid;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
    *in_child = 1;
    errno = code;
    return -1;
}
