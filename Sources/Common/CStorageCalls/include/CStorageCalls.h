#ifndef CSTORAGECALLS_H
#define CSTORAGECALLS_H

/// Renames within a folder, or fails with EEXIST if `to` is there: renameat2(2), which Swift's Glibc does not show.
int cstorage_rename_new(int folder, const char *from, const char *to);

#endif
