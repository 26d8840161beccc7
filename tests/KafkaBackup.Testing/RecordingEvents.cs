using System.Collections.Concurrent;

namespace KafkaBackup.Testing;

/// <summary>Keeps what an operation told, for assertions.</summary>
public sealed class RecordingEvents : IEngineEvents
{
    public ConcurrentQueue<string> VerboseLines { get; } = new();

    public ConcurrentQueue<string> Warnings { get; } = new();

    public ConcurrentQueue<KafkaBackupException> Errors { get; } = new();

    public ConcurrentQueue<ProgressInfo> ProgressShown { get; } = new();

    public void Verbose(string message) => VerboseLines.Enqueue(message);

    public void Warning(string message) => Warnings.Enqueue(message);

    public void Error(KafkaBackupException error) => Errors.Enqueue(error);

    public void Progress(ProgressInfo progress) => ProgressShown.Enqueue(progress);
}
