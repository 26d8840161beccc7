using KafkaBackup.LocalBroker;

await using var cluster = LocalCluster.Start(new LocalClusterOptions { Port = 0 });
cluster.CreateTopic("orders", 3);
Console.WriteLine($"bootstrap {cluster.BootstrapServers}");
Console.ReadLine();
foreach (var error in cluster.UnexpectedErrors) Console.WriteLine(error);
return 0;
