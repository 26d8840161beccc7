namespace KafkaBackup.Engine.Health;

/// <summary>
/// How a long operation stands, for those who look from outside: kept by a backup or a restore, read by the endpoint. For several threads.
/// </summary>
/// <param name="operation">"backup" or "restore".</param>
/// <param name="target">The backup's id.</param>
/// <param name="rhythm">How often a sign of life is promised; null where none is.</param>
public sealed class OperationStatus(string operation, string target, TimeSpan? rhythm, TimeProvider clock)
{
    /// <summary>A sign of life may be late by a slow store or a long pass; three in a row are not.</summary>
    private const int MissedSigns = 3;

    private static readonly TimeSpan ShortestPatience = TimeSpan.FromSeconds(30);

    private readonly object _gate = new();
    private readonly Dictionary<TopicPartition, long> _lag = [];
    private readonly SortedDictionary<string, long> _errors = new(StringComparer.Ordinal);
    private readonly DateTimeOffset _startedAt = clock.GetUtcNow();
    private long _lastSign = clock.GetTimestamp();
    private DateTimeOffset? _lastSignAt;
    private DateTimeOffset? _lastCommitAt;
    private long _records;
    private long _bytes;
    private long _commits;
    private long _gaps;
    private string? _away;
    private string? _failing;
    private string? _lastError;

    public void Count(long records, long bytes)
    {
        lock (_gate)
        {
            _records += records;
            _bytes += bytes;
        }
    }

    /// <summary>How many offsets of a partition are still to be handled.</summary>
    public void SetLag(TopicPartition partition, long offsets)
    {
        lock (_gate)
        {
            _lag[partition] = Math.Max(0, offsets);
        }
    }

    public void CountGap()
    {
        lock (_gate)
        {
            _gaps++;
        }
    }

    /// <summary>Progress is durable.</summary>
    public void Committed()
    {
        lock (_gate)
        {
            _commits++;
            _lastCommitAt = clock.GetUtcNow();
        }
    }

    /// <summary>A sign of life: progress is durable, or there was nothing to make durable.</summary>
    public void Alive()
    {
        lock (_gate)
        {
            _lastSign = clock.GetTimestamp();
            _lastSignAt = clock.GetUtcNow();
        }
    }

    public void Trouble(KafkaBackupException error)
    {
        lock (_gate)
        {
            _errors[error.ErrorId] = _errors.GetValueOrDefault(error.ErrorId) + 1;
            _lastError = error.Message;
        }
    }

    /// <summary>The other side cannot be reached now, and why; null when it is back.</summary>
    public void SetAway(string? why)
    {
        lock (_gate)
        {
            _away = why;
        }
    }

    /// <summary>What is left undone although the other side can be reached; null when there is nothing of the kind.</summary>
    public void SetFailing(string? why)
    {
        lock (_gate)
        {
            _failing = why;
        }
    }

    /// <summary>The topic is no longer handled: what was left of it is no lag.</summary>
    public void Forget(string topic)
    {
        lock (_gate)
        {
            foreach (var partition in _lag.Keys.Where(p => p.Topic == topic).ToArray())
            {
                _lag.Remove(partition);
            }
        }
    }

    public StatusView Look()
    {
        lock (_gate)
        {
            var silence = clock.GetElapsedTime(_lastSign);
            var patience = rhythm * MissedSigns is { } three && three > ShortestPatience ? three : ShortestPatience;
            var problem =
                _away is not null ? $"The cluster cannot be reached: {_away}"
                : rhythm is not null && silence > patience ? $"Nothing was committed for {silence.TotalSeconds:0} s."
                : _failing;
            return new StatusView(
                operation,
                target,
                problem,
                _startedAt,
                clock.GetUtcNow(),
                _lastCommitAt,
                _lastSignAt,
                _commits,
                _records,
                _bytes,
                _gaps,
                _lastError,
                new SortedDictionary<TopicPartition, long>(_lag),
                new SortedDictionary<string, long>(_errors, StringComparer.Ordinal)
            );
        }
    }
}

/// <summary>A status at one moment.</summary>
/// <param name="Problem">Why it is not healthy; null when it is.</param>
/// <param name="LastSignAt">When all that was handled was last known to be durable; later than the last commit when nothing has come
/// since.</param>
/// <param name="Errors">How many of each error id.</param>
public sealed record StatusView(
    string Operation,
    string Target,
    string? Problem,
    DateTimeOffset StartedAt,
    DateTimeOffset Now,
    DateTimeOffset? LastCommitAt,
    DateTimeOffset? LastSignAt,
    long Commits,
    long Records,
    long Bytes,
    long Gaps,
    string? LastError,
    IReadOnlyDictionary<TopicPartition, long> Lag,
    IReadOnlyDictionary<string, long> Errors
);
