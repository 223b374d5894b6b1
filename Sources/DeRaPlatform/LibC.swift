// The C library, imported once for every module: Linux with glibc, or musl for static programs. Other systems are not
// supported: the runtime reads /proc, and asks the kernel for huge pages and affinities.
#if canImport(Glibc)
  @_exported import Glibc
#elseif canImport(Musl)
  @_exported import Musl
#else
  #error("DeRa runs on Linux only")
#endif
