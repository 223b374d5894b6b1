// The product of blocks in passes over the registers of a tile's 16 rows, for instruction sets whose registers do not
// hold the integer and the f32 sums of all of them. The including file defines
//
//   PASS_PARTS(n)    how many of a group's PARTS registers a pass takes with `n` columns
//   dot(w, x, stride, n, dots)    as matmul.h says, but dots[c][p] becomes the dots of register p's rows for the
//                                 w.parts registers from w.part on

/// The scales of a block's rows, 1 where the format has none.
INLINE void load_scales(const weights w, const uint8_t *block, f32_part scales[PARTS]) {
  const ck_format_row row = ck_row(w.kind.format);
  const f32x16 all = row.scales_rows ? splat(1) : w.unpacked ? load((const float *)block) : load_f16(block);
  memcpy(scales, &all, sizeof all);
}

/// acc[c] += `blocks` blocks of a tile times column c of `n`, a constant. `w` has all but the place of the codes.
INLINE void add_blocks(weights w, const uint8_t *block, size_t blocks, activations x, const int n, f32x16 *acc) {
  const kind_traits its = traits(w.kind);
  const size_t bytes = w.unpacked ? sizeof(unpacked_block) : ck_block_bytes(its.row);
  f32_part sums[MAX_GROUP][PARTS], scales[PARTS];
  memcpy(sums, acc, (size_t)n * sizeof *acc);
  for (size_t b = 0; b < blocks; b++, block += bytes) {
    if (!w.unpacked) prefetch_block(block, bytes);
    w.bytes = block + (w.unpacked ? offsetof(unpacked_block, codes) : its.row.scales_rows ? 0 : BLOCK_SCALE_BYTES);
    w.parts = PASS_PARTS(n);
    UNROLLED for (w.part = 0; w.part < PARTS; w.part += w.parts) {
      i32_part dots[MAX_GROUP][PARTS];
      if (w.parts == PARTS) load_scales(w, block, scales);
      dot(w, x.codes + b * BLOCK, x.stride * BLOCK, n, dots);
      // Passes are for want of registers: they load scales late.
      if (w.parts < PARTS) load_scales(w, block, scales);
      for (int c = 0; c < n; c++) {
        const size_t at = (size_t)c * x.stride + b;
        for (int p = w.part; p < w.part + w.parts; p++) {
          i32_part products = its.factor * dots[c][p];
          if (its.offset != 0) products += its.offset * x.sums[at];
          f32_part factors = scales[p] * (x.scales[at] - (f32_part){});
          sums[c][p] = __builtin_elementwise_fma(__builtin_convertvector(products, f32_part), factors, sums[c][p]);
        }
      }
    }
  }
  memcpy(acc, sums, (size_t)n * sizeof *acc);
}
