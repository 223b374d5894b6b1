import ArgumentParser
import DeRaTensorCore

extension ByteSize: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}

extension ActivationCoding: ExpressibleByArgument {
  /// The choice that `--activations` offers, as help texts say it. docs/measurements.md has the speeds.
  package static let help = """
    How matrices of int8, int6 and int4 read their input: int8, or int16, which is closer to full precision and takes no \
    more memory; int8 matrices then decode at 0.8 to 1.1 times the speed, int4 at 0.7 to 0.9.
    """
}
