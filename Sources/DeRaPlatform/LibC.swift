// The C library, imported once for every module. Systems other than Linux are not supported: the runtime reads /proc, and asks
// the kernel for huge pages and affinities.
#if canImport(Glibc)
  @_exported import Glibc
#else
  #error("DeRa runs on Linux with glibc only")
#endif
