import DeRa
import DeRaEvaluation
import DeRaJSON
import DeRaKernels
import DeRaTensorCore

extension PerplexityJob {
  /// Checks everything that the command line would have checked.
  /// - Parameter place: the file and the line.
  func check(at place: String) throws(RecordError) {
    let check = RecordCheck(place: place)
    try check.require(context, in: TextChunks.leastContext...DecodingSession.maximumContext, "context")
    try check.require(chunks, in: 1...Int(Int32.max), "chunks")
    if !models.isEmpty { try check.requireNames(models, "models") }
    try check.require(CacheCodec(rawValue: kv) != nil, "kv", "a format of the cache")
    try check.require(ActivationCoding(rawValue: activations) != nil, "activations", ActivationCoding.rule)
    try check.require(!lambdas.isEmpty && Set(lambdas).count == lambdas.count, "lambdas", "at least one λ, each once")
    for (index, lambda) in lambdas.enumerated() {
      let written = (try? Realignment.parse(lambda, models: models))?.description(models: models)
      try check.require(written == lambda, "lambdas[\(index)]", "a λ for the models")
    }
    try check.require(Set(fingerprints.keys) == fingerprintNames, "fingerprints", "those of bundles and text")
    for (name, digest) in fingerprints {
      let isDigest = digest.utf8.count == 64 && digest.allSatisfy(\.isHexDigit)
      try check.require(isDigest, "fingerprints.\(name)", "a SHA-256")
    }
  }
}

extension PerplexityLine {
  /// Checks that this can be a chunk's line in the file of a job.
  func check(_ job: PerplexityJob, at place: String) throws(RecordError) {
    let check = RecordCheck(place: place)
    try check.require(
      (0..<job.chunks).contains(chunk) && job.shard.includes(chunk), "chunk", "a chunk of shard \(job.shard)")
    try totals.check(
      lambdas: job.lambdas.count, models: job.directions, tokens: TextChunks.scoredTokens(context: job.context),
      compares: job.against != nil, check)
  }
}
