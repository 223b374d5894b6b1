import DeRaPlatform

/// The signals that ask a server to end, taken by one thread that waits for them.
struct EndingSignals {
  private var set = sigset_t()

  /// Blocks them for this thread and all that it begins.
  init() {
    sigemptyset(&set)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&set, number) }
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Returns when one has come.
  /// - Parameters:
  ///   - microseconds: how often `body` is called meanwhile; nil for never.
  func wait(every microseconds: Int?, _ body: () -> Void) {
    var set = set
    while true {
      guard let microseconds else {
        var number: Int32 = 0
        sigwait(&set, &number)
        return
      }
      body()
      var time = timespec()
      time.tv_sec = microseconds / 1_000_000
      time.tv_nsec = microseconds % 1_000_000 * 1000
      if sigtimedwait(&set, nil, &time) > 0 { return }
    }
  }

  /// Lets the next one end the program.
  func release() {
    var set = set
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
  }
}
