import DeRaStudy

StudyCommand.start()
