namespace KafkaBackup.LocalBroker.Apis;

/// <summary>Everything this broker serves.</summary>
internal static class ApiList
{
    public static IReadOnlyList<Api> Create() =>
        [
            new ProduceApi(),
            new FetchApi(),
            new ListOffsetsApi(),
            new MetadataApi(),
            new FindCoordinatorApi(),
            new SaslHandshakeApi(),
            new ApiVersionsApi(),
            new CreateTopicsApi(),
            new DeleteTopicsApi(),
            new DeleteRecordsApi(),
            new InitProducerIdApi(),
            new OffsetForLeaderEpochApi(),
            new DescribeConfigsApi(),
            new AlterConfigsApi(),
            new SaslAuthenticateApi(),
            new CreatePartitionsApi(),
            new IncrementalAlterConfigsApi(),
            new DescribeClusterApi(),
            new JoinGroupApi(),
            new SyncGroupApi(),
            new HeartbeatApi(),
            new LeaveGroupApi(),
            new OffsetCommitApi(),
            new OffsetFetchApi(),
            new OffsetDeleteApi(),
            new ListGroupsApi(),
            new DescribeGroupsApi(),
            new DeleteGroupsApi(),
            new AddPartitionsToTxnApi(),
            new AddOffsetsToTxnApi(),
            new EndTxnApi(),
            new TxnOffsetCommitApi(),
            new DescribeProducersApi(),
            new ListTransactionsApi(),
            new DescribeTransactionsApi(),
        ];
}
