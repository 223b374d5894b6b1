import DeRaCommands
import DeRaMeasureCommands
import DeRaQuantizeCommand
import DeRaServeCommand

// The four programs in one file, which the packages carry: the others are links to dera there. Static programs
// of their own would each hold the same Swift library.
switch CommandLine.arguments.first?.split(separator: "/").last {
case "dera-measure": MeasureCommand.start()
case "dera-serve": ServeCommand.start()
case "dera-quantize": await QuantizeCommand.start()
default: RootCommand.start()
}
