namespace KafkaBackup.LocalBroker;

/// <summary>
/// What clients asked, in order of arrival. Keeps the newest hundred thousand requests, fewer when they name very many
/// partitions: a long run must not grow with its log.
/// </summary>
public sealed class RequestLog
{
    private const int Kept = 100_000;
    private const int NamesKept = 500_000;

    private readonly object _gate = new();
    private readonly Queue<LoggedRequest> _requests = new();
    private long _count;
    private int _names;

    internal RequestLog() { }

    /// <summary>Requests since the start, whatever was cleared.</summary>
    public long Count => Interlocked.Read(ref _count);

    public IReadOnlyList<LoggedRequest> All
    {
        get
        {
            lock (_gate)
                return [.. _requests];
        }
    }

    public IReadOnlyList<LoggedRequest> Of(params ApiKey[] apis) => [.. All.Where(r => apis.Contains(r.Api))];

    /// <summary>Requests that change something: what a dry run must not send.</summary>
    public IReadOnlyList<LoggedRequest> Writes =>
        [
            .. Of(
                    ApiKey.Produce,
                    ApiKey.CreateTopics,
                    ApiKey.DeleteTopics,
                    ApiKey.CreatePartitions,
                    ApiKey.DeleteRecords,
                    ApiKey.AlterConfigs,
                    ApiKey.IncrementalAlterConfigs,
                    ApiKey.OffsetCommit,
                    ApiKey.OffsetDelete,
                    ApiKey.DeleteGroups,
                    ApiKey.InitProducerId,
                    ApiKey.AddPartitionsToTxn,
                    ApiKey.AddOffsetsToTxn,
                    ApiKey.EndTxn,
                    ApiKey.TxnOffsetCommit
                )
                .Where(r => !r.OnlyValidates),
        ];

    public void Clear()
    {
        lock (_gate)
        {
            _requests.Clear();
            _names = 0;
        }
    }

    internal long NextNumber() => Interlocked.Increment(ref _count);

    internal void Add(LoggedRequest request)
    {
        lock (_gate)
        {
            _requests.Enqueue(request);
            _names += request.Partitions.Count;
            while (_requests.Count > Kept || (_names > NamesKept && _requests.Count > 1))
                _names -= _requests.Dequeue().Partitions.Count;
        }
    }
}
