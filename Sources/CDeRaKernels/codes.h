// The codes of packed blocks, 16 rows × 4 inputs at a time: the same source for every instruction set. The including
// file defines
//
//   REGISTER_BYTES     how many codes one of its registers holds: 16, 32 or 64
//   UNSIGNED_BYTES     1 where its dot product takes weights as unsigned bytes, else 0
//   BITS_AS_MASKS      1 where a test of bits is one instruction, so that -1 is cheaper than 1; 0 if not defined
//   SIGNED_TABLES      1 where its dot product takes a table's values as they are, signed; 0 if not defined
//   lookup(values, selectors)    a register of `values`, repeated 16 of them, selected by nibbles
#ifndef CKERNELS_CODES_H
#define CKERNELS_CODES_H

#include "lanes.h"

#ifndef BITS_AS_MASKS
#define BITS_AS_MASKS 0
#endif
#ifndef SIGNED_TABLES
#define SIGNED_TABLES 0
#endif
/// The number that is added to a table's values, so that none is negative where that is wanted.
#define TABLE_OFFSET (SIGNED_TABLES ? 0 : 32)

#define BLOCK 32
/// Codes of a block, a byte each.
#define BLOCK_CODES (LANES * BLOCK)
/// 16 rows × 4 inputs.
#define GROUP_CODES 64
#define GROUPS (BLOCK_CODES / GROUP_CODES)
/// Registers of a group; row r's codes are bytes 4 r ... 4 r + 3 of the group.
#define PARTS (GROUP_CODES / REGISTER_BYTES)

typedef uint8_t codes __attribute__((vector_size(REGISTER_BYTES)));
/// One number for each row of a register of codes.
typedef int32_t i32_part __attribute__((vector_size(REGISTER_BYTES)));
typedef float f32_part __attribute__((vector_size(REGISTER_BYTES)));

/// A format, and whether its codes select the values of a table. Constant once a kernel is inlined.
typedef struct {
  ck_format format;
  int has_table;
} block_kind;

/// The facts of a kind: a weight is (factor * code + offset) times its scale, for the codes that `dot` gets.
typedef struct {
  ck_format_row row;
  /// The largest magnitude of a code; they are unsigned if it is below 128.
  int largest;
  int factor, offset;
} kind_traits;

INLINE kind_traits traits(const block_kind kind) {
  const ck_format_row row = ck_row(kind.format);
  const int bits = row.bits[0] + row.bits[1];
  if (kind.has_table) return (kind_traits){row, SIGNED_TABLES ? 32 : 63, 1, -TABLE_OFFSET};
  if (bits == 8 && UNSIGNED_BYTES) return (kind_traits){row, 255, row.factor, row.offset - 128 * row.factor};
  if (bits == 8) return (kind_traits){row, 128, row.factor, row.offset};
  if (bits == 1 && BITS_AS_MASKS) return (kind_traits){row, 1, -row.factor, row.offset};
  return (kind_traits){row, (1 << bits) - 1, row.factor, row.offset};
}

/// Where the codes of a block are. All but the first member are constants once a kernel is inlined.
typedef struct {
  const uint8_t *bytes;
  codes table;
  block_kind kind;
  /// A byte for each code, the form `unpack` writes, instead of the packed form.
  int unpacked;
  /// The registers of a group that `dot` takes in a pass: `parts` from `part` on. Only passes.h sets them.
  int part, parts;
} weights;

INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

INLINE codes load_codes(const void *p) {
  codes v;
  memcpy(&v, p, sizeof v);
  return v;
}

/// The table's values, plus TABLE_OFFSET, as often as `lookup` wants them; the offset for kinds without one.
INLINE codes load_table(const int8_t *table) {
  uint8_t repeated[REGISTER_BYTES] = {};
  for (size_t i = 0; table && i < sizeof repeated; i += 16) memcpy(repeated + i, table, 16);
  return load_codes(repeated) + TABLE_OFFSET;
}

/// The `bits` bits that a plane has of each code of group `group`: groups follow each other in the bits of the same bytes.
INLINE codes plane_codes(const uint8_t *plane, const int bits, const int group) {
  const int shift = group * bits % 8;
  const codes bytes = load_codes(plane + group * bits / 8 * GROUP_CODES);
  return shift + bits == 8 ? bytes >> (uint8_t)shift : bytes >> (uint8_t)shift & (uint8_t)((1 << bits) - 1);
}

/// Groups whose codes begin in the same bytes: what a loop over groups has to unroll for its shifts to be constants.
INLINE int groups_a_byte(const weights w) {
  const ck_format_row row = ck_row(w.kind.format);
  const int fewest = row.bits[1] > 0 && row.bits[1] < row.bits[0] ? row.bits[1] : row.bits[0];
  return w.unpacked || fewest > 4 ? 2 : 8 / fewest;
}

/// Register `part` of group `group` (inputs 4 group ... 4 group + 3) of a block.
INLINE codes group_codes(const weights w, const int group, const int part) {
  const ck_format_row row = ck_row(w.kind.format);
  const uint8_t *bytes = w.bytes + part * REGISTER_BYTES;
  if (w.unpacked) return load_codes(bytes + group * GROUP_CODES);
  if (row.bits[0] == 8) return load_codes(bytes + group * GROUP_CODES) ^ (uint8_t)(UNSIGNED_BYTES ? 0x80 : 0);
  if (BITS_AS_MASKS && row.bits[0] == 1) return (codes)((load_codes(bytes) & (uint8_t)(1 << group)) != 0);
  codes low = plane_codes(bytes, row.bits[0], group);
  if (row.bits[1] > 0)
    low |= plane_codes(bytes + row.bits[0] * GROUP_CODES, row.bits[1], group) << (uint8_t)row.bits[0];
  return w.kind.has_table ? lookup(w.table, low) : low;
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
