import NIOCore

/// The most that one client may take of the server, in bytes and in time.
package struct ServerLimits: Sendable {
  package var connections = 256
  package var headBytes = 16 << 10
  package var bodyBytes = 4 << 20
  /// Bytes of a stream that its client has not taken and this process holds.
  package var unreadBytes = 1 << 20
  /// Time from the first byte of a request, or from the connection, to the end of the head.
  package var headTime = TimeAmount.seconds(10)
  /// Between two requests.
  package var idleTime = TimeAmount.seconds(75)
  /// Time without a byte of a body sent, or of a response taken.
  package var stallTime = TimeAmount.seconds(30)
  /// Silence in a stream of events after which a comment shows that it lives: less than proxies wait.
  package var pingTime = TimeAmount.seconds(10)
  /// After a refusal, for the client to stop sending: a socket closed on unread bytes resets the connection, and the client
  /// may never see why.
  package var lingerTime = TimeAmount.seconds(2)
  /// How often the limits are looked at.
  package var tick = TimeAmount.seconds(1)
  /// Send buffer of a connection in the kernel; what is beyond it counts as unread.
  package var sendBufferBytes = 256 << 10

  package init() {}
}
