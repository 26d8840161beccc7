namespace KafkaBackup.Engine.Backup;

/// <summary>Announces a wait once it has lasted some seconds, and its end. Begins with its making.</summary>
internal sealed class WaitNotice(TimeProvider clock, IEngineEvents events)
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);

    private readonly long _since = clock.GetTimestamp();
    private int _said;

    public TimeSpan Waited => clock.GetElapsedTime(_since);

    /// <param name="message">What it waits for, and for how long it will.</param>
    public void Continue(Func<string> message)
    {
        if (Waited >= Silence && Interlocked.Exchange(ref _said, 1) == 0)
        {
            events.Warning(message());
        }
    }

    /// <summary>Says nothing of a wait that was not announced.</summary>
    public void End(string message)
    {
        if (Interlocked.Exchange(ref _said, 0) == 1)
        {
            events.Verbose(message);
        }
    }
}
