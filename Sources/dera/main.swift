import DeRaCommands

RootCommand.start()
