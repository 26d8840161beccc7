namespace KafkaBackup.Engine.Pacing;

/// <summary>
/// Says once that a quota of the cluster limits an operation, when that has cost it a noticeable time. Any thread may call it.
/// </summary>
/// <param name="operation">As in "the speed of the backup".</param>
internal sealed class QuotaNotice(IEngineEvents events, string operation)
{
    private static readonly TimeSpan Noteworthy = TimeSpan.FromSeconds(1);

    private readonly object _gate = new();
    private TimeSpan _heldBack;

    public void HeldBack(TimeSpan wait)
    {
        bool isNews;
        lock (_gate)
        {
            var before = _heldBack;
            _heldBack += wait;
            isNews = before < Noteworthy && _heldBack >= Noteworthy;
        }

        if (isNews)
        {
            events.Warning($"A quota on this user limits the speed of the {operation}.");
        }
    }
}
