// The codes of packed blocks, 16 rows × 4 columns at a time: the same source for every instruction set. The including
// file defines
//
//   REGISTER_BYTES     how many codes one of its registers holds: 16, 32 or 64
//   UNSIGNED_BYTES     1 where its dot product takes weights as unsigned bytes, else 0
//   BITS_AS_MASKS      1 where a test of bits is one instruction, so that -1 is cheaper than 1; 0 if not defined
//   lookup(values, selectors)    a register of `values`, repeated 16 of them, selected by nibbles
#ifndef CKERNELS_CODES_H
#define CKERNELS_CODES_H

#include "lanes.h"

#ifndef BITS_AS_MASKS
#define BITS_AS_MASKS 0
#endif

#define BLOCK 32
/// Codes of a block, a byte each.
#define BLOCK_CODES (LANES * BLOCK)
/// 16 rows × 4 columns.
#define GROUP_CODES 64
#define GROUPS (BLOCK_CODES / GROUP_CODES)
/// Registers of a group; row r's codes are bytes 4 r ... 4 r + 3 of the group.
#define PARTS (GROUP_CODES / REGISTER_BYTES)

typedef uint8_t codes __attribute__((vector_size(REGISTER_BYTES)));

typedef enum { KIND_INT8, KIND_INT6, KIND_NIBBLES, KIND_TABLE, KIND_INT2, KIND_TERNARY, KIND_INT1 } block_kind;

/// A weight is (factor * code + offset) times its scale. All constants once a kernel is inlined.
typedef struct {
  /// Bytes of a block, its scales included.
  size_t block_bytes;
  /// f32 scales stand once before the blocks of a tile, instead of f16 ones at the start of each block.
  int scales_rows;
  /// The largest magnitude of a code; they are unsigned if it is below 128.
  int largest;
  int factor, offset;
} kind_traits;

INLINE kind_traits traits(const block_kind kind) {
  switch (kind) {
    case KIND_INT8: return UNSIGNED_BYTES ? (kind_traits){544, 0, 255, 1, -128} : (kind_traits){544, 0, 128, 1, 0};
    case KIND_INT6: return (kind_traits){416, 0, 63, 1, -32};
    case KIND_NIBBLES: return (kind_traits){288, 0, 15, 1, -8};
    case KIND_TABLE: return (kind_traits){288, 0, 63, 1, -32};
    case KIND_INT2: return (kind_traits){128, 1, 3, 2, -3};
    case KIND_TERNARY: return (kind_traits){128, 1, 3, 1, -1};
    case KIND_INT1: return (kind_traits){64, 1, 1, BITS_AS_MASKS ? -2 : 2, -1};
  }
}

/// Whether codes take all 8 bits: signed, or unsigned where `UNSIGNED_BYTES`.
INLINE int is_wide(const block_kind kind) { return traits(kind).largest >= 128; }

/// Where the codes of a block are. All but the first member are constants once a kernel is inlined.
typedef struct {
  const uint8_t *bytes;
  codes table;
  block_kind kind;
  /// A byte for each code, the form `unpack` writes, instead of the packed form.
  int unpacked;
} weights;

INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

INLINE codes load_codes(const void *p) {
  codes v;
  memcpy(&v, p, sizeof v);
  return v;
}

/// The table's values, plus 32 so that none is negative, as often as `lookup` wants them; 32 for kinds without one.
INLINE codes load_table(const int8_t *table) {
  uint8_t repeated[REGISTER_BYTES] = {};
  for (size_t i = 0; table && i < sizeof repeated; i += 16) memcpy(repeated + i, table, 16);
  return load_codes(repeated) + 32;
}

/// The nibbles of group `group`: even ones low, odd ones high.
INLINE codes nibbles(const uint8_t *bytes, const int group) {
  codes pairs = load_codes(bytes + group / 2 * GROUP_CODES);
  return group % 2 ? pairs >> 4 : pairs & 15;
}

/// The pairs of bits of group `group`, four groups a byte.
INLINE codes bit_pairs(const uint8_t *bytes, const int group) {
  return load_codes(bytes + group / 4 * GROUP_CODES) >> (uint8_t)(group % 4 * 2) & 3;
}

/// Groups whose codes begin in the same bytes: what a loop over groups has to unroll for its shifts to be constants.
INLINE int groups_a_byte(const weights w) {
  if (w.unpacked) return 2;
  switch (w.kind) {
    case KIND_INT8: return 2;
    case KIND_NIBBLES:
    case KIND_TABLE: return 2;
    case KIND_INT6:
    case KIND_INT2:
    case KIND_TERNARY: return 4;
    case KIND_INT1: return 8;
  }
}

/// Register `part` of group `group` (columns 4 group ... 4 group + 3) of a block.
INLINE codes group_codes(const weights w, const int group, const int part) {
  const uint8_t *bytes = w.bytes + part * REGISTER_BYTES;
  if (w.unpacked) return load_codes(bytes + group * GROUP_CODES);
  switch (w.kind) {
    case KIND_INT8: return load_codes(bytes + group * GROUP_CODES) ^ (uint8_t)(UNSIGNED_BYTES ? 0x80 : 0);
    case KIND_INT6: return nibbles(bytes, group) | bit_pairs(bytes + BLOCK_CODES / 2, group) << 4;
    case KIND_NIBBLES: return nibbles(bytes, group);
    case KIND_TABLE: return lookup(w.table, nibbles(bytes, group));
    case KIND_INT2:
    case KIND_TERNARY: return bit_pairs(bytes, group);
    case KIND_INT1:
      if (BITS_AS_MASKS) return (codes)((load_codes(bytes) & (uint8_t)(1 << group)) != 0);
      return load_codes(bytes) >> (uint8_t)group & 1;
  }
}

/// A block's codes, a byte each, groups one after another.
INLINE void unpack_groups(const weights w, uint8_t *out) {
  UNROLLED for (int g = 0; g < GROUPS; g++) {
    for (int p = 0; p < PARTS; p++) {
      codes v = group_codes(w, g, p);
      memcpy(out + g * GROUP_CODES + p * REGISTER_BYTES, &v, sizeof v);
    }
  }
}

#endif
