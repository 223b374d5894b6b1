import DeRaQuantizeCommand

await QuantizeCommand.start()
