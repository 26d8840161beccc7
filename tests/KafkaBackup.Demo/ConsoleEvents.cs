namespace KafkaBackup.Demo;

/// <summary>The story of an operation on the error stream, so that the output holds results only.</summary>
internal sealed class ConsoleEvents : IEngineEvents
{
    public void Verbose(string message) => Console.Error.WriteLine(message);

    public void Warning(string message) => Console.Error.WriteLine($"Warning: {message}");

    public void Error(KafkaBackupException error) => Console.Error.WriteLine($"Error {error.ErrorId}: {error.Message} {error.Advice}");

    public void Progress(ProgressInfo progress) { }
}
