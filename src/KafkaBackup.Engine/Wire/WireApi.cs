namespace KafkaBackup.Engine.Wire;

/// <summary>The requests that this client knows, by their number in the protocol.</summary>
internal enum ApiKey : short
{
    Produce = 0,
    Fetch = 1,
    ListOffsets = 2,
    Metadata = 3,
    OffsetFetch = 9,
    FindCoordinator = 10,
    SaslHandshake = 17,
    ApiVersions = 18,
    DeleteRecords = 21,
    InitProducerId = 22,
    OffsetForLeaderEpoch = 23,
    AddPartitionsToTxn = 24,
    AddOffsetsToTxn = 25,
    EndTxn = 26,
    TxnOffsetCommit = 28,
    SaslAuthenticate = 36,
    DescribeProducers = 61,
}

/// <summary>One request type: the versions that this client writes and reads, and where its encoding and its manners change.</summary>
/// <param name="FlexibleFrom">From here on lengths are varints and structures end with tagged fields.</param>
/// <param name="ClientWaitsFrom">From here on a broker answers first and the client keeps the throttle time (KIP-219); before, the broker
/// has waited already.</param>
internal sealed record WireApi(ApiKey Key, short MinVersion, short MaxVersion, short FlexibleFrom, short ClientWaitsFrom)
{
    public const short Never = short.MaxValue;
}
