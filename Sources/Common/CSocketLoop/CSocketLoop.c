#define _GNU_SOURCE
#include "CSocketLoop.h"
#include <sys/eventfd.h>

int csocketloop_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int csocketloop_name_thread(pthread_t thread, const char *name) { return pthread_setname_np(thread, name); }
