#pragma once
#include <pthread.h>

/// An event descriptor: what wakes a loop that sleeps in poll(2). Swift's Glibc module does not have eventfd.
/// Returns -1 and sets errno when the process has no descriptor left.
int csocketloop_eventfd(void);

/// Names a thread for ps and debuggers. The kernel keeps 15 bytes; a longer name is refused with ERANGE.
int csocketloop_name_thread(pthread_t thread, const char *name);
