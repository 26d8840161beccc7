namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// One partition that a batch reader reads, from Assign to Remove. What the fetching side knows is guarded by the scheduler's lock; what
/// was handed out belongs to the thread that polls.
/// </summary>
internal sealed class AssignedPartition(TopicPartition partition, long offset, int slot)
{
    private volatile bool _isRemoved;

    public TopicPartition Partition { get; } = partition;

    public int Slot { get; } = slot;

    /// <summary>Nothing of it may be handed out any more.</summary>
    public bool IsRemoved
    {
        get => _isRemoved;
        set => _isRemoved = value;
    }

    /// <summary>Nothing more of it is fetched, nor is its leader looked for.</summary>
    public bool IsStopped { get; set; }

    /// <summary>Where the next fetch begins.</summary>
    public long FetchOffset { get; set; } = offset;

    /// <summary>The leader epoch of the last batch that was fetched; -1 for none, and for messages of old formats.</summary>
    public int LastEpoch { get; set; } = -1;

    /// <summary>Who leads it, as was found last; another broker may be fetched from, which follows.</summary>
    public int Leader { get; set; } = -1;

    /// <summary>The leader epoch that fetches name.</summary>
    public int LeaderEpoch { get; set; } = -1;

    public Guid TopicId { get; set; }

    /// <summary>The id of the topic that was read; empty while nothing was.</summary>
    public Guid ReadTopicId { get; set; }

    /// <summary>The session that has it; null while its leader is looked for, and after a fault.</summary>
    public BrokerLane? Lane { get; set; }

    /// <summary>The first request of that session that asks for it from here; answers to earlier ones are about something else.</summary>
    public long FromRequest { get; set; }

    /// <summary>The last answer said that there is nothing more.</summary>
    public bool IsAtEnd { get; set; }

    /// <summary>How much is asked for when a batch did not fit; 0 for what the options say.</summary>
    public int LargerFetch { get; set; }

    /// <summary>The broker that could not be reached, last.</summary>
    public int FailedBroker { get; set; } = -1;

    /// <summary>Since when brokers say that there is no such partition.</summary>
    public long? UnknownSince { get; set; }

    /// <summary>Answers in a row with the same error that may pass, but not for ever.</summary>
    public int Refusals { get; set; }

    /// <summary>For the thread that polls: every batch below it was handed out, or is none of the user's.</summary>
    public long Next { get; set; } = offset;

    /// <summary>For the thread that polls: an error has ended it.</summary>
    public bool IsFailed { get; set; }
}
