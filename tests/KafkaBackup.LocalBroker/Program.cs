using KafkaBackup.LocalBroker;

return await CommandLine.Run(args).ConfigureAwait(false);
