namespace KafkaBackup;

/// <summary>For callers that only want the result.</summary>
public sealed class SilentEvents : IEngineEvents
{
    public static SilentEvents Instance { get; } = new();

    public void Verbose(string message) { }

    public void Warning(string message) { }

    public void Error(KafkaBackupException error) { }

    public void Progress(ProgressInfo progress) { }
}
