#define _GNU_SOURCE
#include "CStorageCalls.h"

#include <stdio.h>

int cstorage_rename_new(int folder, const char *from, const char *to) {
    return renameat2(folder, from, folder, to, RENAME_NOREPLACE);
}
