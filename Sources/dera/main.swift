import Commands

RootCommand.start()
