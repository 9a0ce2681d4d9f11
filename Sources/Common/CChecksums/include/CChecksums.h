#ifndef CCHECKSUMS_H
#define CCHECKSUMS_H

#include <stddef.h>
#include <stdint.h>

/// Adler-32 (RFC 1950) continued over `count` bytes; begin with 1.
uint32_t cchecksums_adler32(uint32_t adler, const void *bytes, size_t count);

/// CRC-32C (Castagnoli, RFC 3720) continued over `count` bytes; begin with 0.
uint32_t cchecksums_crc32c(uint32_t crc, const void *bytes, size_t count);

/// As above, by table: what runs on a processor without the instruction.
uint32_t cchecksums_crc32c_table(uint32_t crc, const void *bytes, size_t count);

/// Both in one pass over memory.
void cchecksums_both(uint32_t *adler, uint32_t *crc, const void *bytes, size_t count);

#endif
