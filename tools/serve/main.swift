import DeRaServeCommand

ServeCommand.start()
