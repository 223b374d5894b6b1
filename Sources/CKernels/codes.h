// The codes of packed blocks, 16 rows × 4 columns at a time: the same source for every instruction set. The including
// file defines
//
//   REGISTER_BYTES     how many codes one of its registers holds: 16, 32 or 64
//   UNSIGNED_BYTES     1 where its dot product takes weights as unsigned bytes, else 0
//   lookup(values, selectors)    a register of `values`, repeated 16 of them, selected by nibbles
#ifndef CKERNELS_CODES_H
#define CKERNELS_CODES_H

#include "lanes.h"

#define BLOCK 32
/// Codes of a block, a byte each.
#define BLOCK_CODES (LANES * BLOCK)
/// 16 rows × 4 columns.
#define GROUP_CODES 64
#define GROUPS (BLOCK_CODES / GROUP_CODES)
/// Registers of a group; row r's codes are bytes 4 r ... 4 r + 3 of the group.
#define PARTS (GROUP_CODES / REGISTER_BYTES)

typedef uint8_t codes __attribute__((vector_size(REGISTER_BYTES)));

/// INT8: signed bytes. NIBBLES: 0...15. TABLE: nibbles that select one of 16 signed bytes.
typedef enum { KIND_INT8, KIND_NIBBLES, KIND_TABLE } block_kind;

/// Where the codes of a block are. All but the first member are constants once a kernel is inlined.
typedef struct {
  const uint8_t *bytes;
  codes table;
  block_kind kind;
  /// A byte for each code, the form `unpack_blocks` writes, instead of the packed form.
  int unpacked;
} weights;

INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

INLINE size_t block_bytes(const block_kind kind) { return 32 + (kind == KIND_INT8 ? 512 : 256); }

/// Whether codes take all 8 bits; they are signed, unless `UNSIGNED_BYTES`.
INLINE int is_wide(const block_kind kind) { return kind != KIND_NIBBLES; }

/// The largest magnitude of a code.
INLINE int largest_code(const block_kind kind) { return is_wide(kind) ? UNSIGNED_BYTES ? 255 : 128 : 15; }

/// A weight is its code minus this, times the scale.
INLINE int zero_code(const block_kind kind) { return is_wide(kind) ? UNSIGNED_BYTES ? 128 : 0 : 8; }

INLINE codes load_codes(const void *p) {
  codes v;
  memcpy(&v, p, sizeof v);
  return v;
}

/// The table's values, in the form and as often as `lookup` wants them; zeros for kinds without one.
INLINE codes load_table(const int8_t *table) {
  uint8_t repeated[REGISTER_BYTES] = {};
  for (size_t i = 0; table && i < sizeof repeated; i += 16) memcpy(repeated + i, table, 16);
  return load_codes(repeated) ^ (uint8_t)(UNSIGNED_BYTES ? 0x80 : 0);
}

/// Register `part` of group `group` (columns 4 group ... 4 group + 3) of a block.
INLINE codes group_codes(const weights w, const int group, const int part) {
  const size_t offset = (size_t)part * REGISTER_BYTES;
  if (w.unpacked) return load_codes(w.bytes + group * GROUP_CODES + offset);
  if (w.kind == KIND_INT8)
    return load_codes(w.bytes + group * GROUP_CODES + offset) ^ (uint8_t)(UNSIGNED_BYTES ? 0x80 : 0);
  codes pairs = load_codes(w.bytes + group / 2 * GROUP_CODES + offset);
  codes nibbles = group % 2 ? pairs >> 4 : pairs & 15;
  return w.kind == KIND_TABLE ? lookup(w.table, nibbles) : nibbles;
}

#endif
