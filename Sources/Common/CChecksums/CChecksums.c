#include "CChecksums.h"

#include <string.h>

// The most bytes before the second sum of Adler-32 can overflow 32 bits (zlib calls it NMAX); 5552 is a multiple of 16.
enum { adler_modulus = 65521, adler_run = 5552 };

uint32_t cchecksums_adler32(uint32_t adler, const void *bytes, size_t count) {
    const uint8_t *byte = bytes;
    uint32_t low = adler & 0xFFFF, high = adler >> 16;

    while (count > 0) {
        size_t run = count < adler_run ? count : adler_run;
        count -= run;
        for (; run >= 8; run -= 8, byte += 8) {
            low += byte[0]; high += low;
            low += byte[1]; high += low;
            low += byte[2]; high += low;
            low += byte[3]; high += low;
            low += byte[4]; high += low;
            low += byte[5]; high += low;
            low += byte[6]; high += low;
            low += byte[7]; high += low;
        }
        for (; run > 0; run--) { low += *byte++; high += low; }
        low %= adler_modulus;
        high %= adler_modulus;
    }
    return high << 16 | low;
}

// The reflected polynomial 0x1EDC6F41, bit by bit into a table once: a second maker writes the same values.
static uint32_t table[256];
static int table_ready;

static void make_table(void) {
    if (__atomic_load_n(&table_ready, __ATOMIC_ACQUIRE)) return;
    for (uint32_t index = 0; index < 256; index++) {
        uint32_t value = index;
        for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ 0x82F63B78u : value >> 1;
        __atomic_store_n(&table[index], value, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&table_ready, 1, __ATOMIC_RELEASE);
}

uint32_t cchecksums_crc32c_table(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *byte = bytes;

    make_table();
    crc = ~crc;
    while (count-- > 0) crc = crc >> 8 ^ table[(crc ^ *byte++) & 0xFF];
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2")))
static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *byte, size_t count) {
    uint64_t wide = ~crc;

    for (; count >= 8; count -= 8, byte += 8) {
        uint64_t word;
        memcpy(&word, byte, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    uint32_t narrow = (uint32_t)wide;
    while (count-- > 0) narrow = __builtin_ia32_crc32qi(narrow, *byte++);
    return ~narrow;
}
#endif

uint32_t cchecksums_crc32c(uint32_t crc, const void *bytes, size_t count) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return crc32c_sse42(crc, bytes, count);
#endif
    return cchecksums_crc32c_table(crc, bytes, count);
}

void cchecksums_both(uint32_t *adler, uint32_t *crc, const void *bytes, size_t count) {
    const uint8_t *byte = bytes;

    // In pieces that stay in the first cache, so that memory is read once.
    while (count > 0) {
        size_t piece = count < 8192 ? count : 8192;
        *adler = cchecksums_adler32(*adler, byte, piece);
        *crc = cchecksums_crc32c(*crc, byte, piece);
        byte += piece;
        count -= piece;
    }
}
