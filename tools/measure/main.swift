import DeRaMeasureCommands

MeasureCommand.start()
