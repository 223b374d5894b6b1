// The dispatch table of the including file's instruction set.
#define ITS_MATMUL(name, ...) [CK_FORMAT_##name] = matmul_##name,
#define KERNELS(id, its_name)                                                                        \
  const ck_kernels id = {.name = its_name,                                                           \
                         .matmul_f16 = matmul_f16,                                                   \
                         .matmul = {CK_FORMATS(ITS_MATMUL)},                                         \
                         .quantize = quantize,                                                       \
                         .f32_to_f16 = f32_to_f16,                                                   \
                         .f16_to_f32 = f16_to_f32,                                                   \
                         .rms_norm = rms_norm,                                                       \
                         .add_scaled = add_scaled,                                                   \
                         .scale = scale,                                                             \
                         .rope = rope,                                                               \
                         .silu_mul = silu_mul,                                                       \
                         .gelu_mul = gelu_mul,                                                       \
                         .scores = scores,                                                           \
                         .add_scores = add_scores,                                                   \
                         .softmax = softmax,                                                         \
                         .mix = mix,                                                                 \
                         .quantize_head = quantize_head}

extern const ck_kernels ck_scalar, ck_avx2, ck_avxvnni, ck_avx512vnni, ck_neon, ck_dotprod, ck_i8mm;
