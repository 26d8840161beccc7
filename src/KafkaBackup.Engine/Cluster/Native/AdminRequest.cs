namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>One admin request in the library's terms.</summary>
/// <param name="Start">Sends it: client, options, queue for the answer. What it is given is copied before it returns.</param>
/// <param name="Read">Reads the answer from the event that carries it.</param>
/// <param name="Configure">Sets options of this very request.</param>
internal sealed record AdminRequest<T>(
    AdminOperation Operation,
    Action<nint, nint, nint> Start,
    Func<nint, T> Read,
    Action<nint>? Configure = null
)
{
    /// <summary>Set where the operation would change something, but this request does not.</summary>
    public bool ChangesNothing { get; init; }

    /// <summary>Whether it changes nothing, so that it may be sent again before the first answer is certain not to come.</summary>
    public bool OnlyAsks =>
        ChangesNothing
        || Operation
            is AdminOperation.DescribeTopics
                or AdminOperation.DescribeConfigs
                or AdminOperation.ListOffsets
                or AdminOperation.DescribeConsumerGroups
                or AdminOperation.ListConsumerGroupOffsets;

    /// <summary>Whether it goes to a group's coordinator, which has to be found first.</summary>
    public bool SeeksCoordinator =>
        Operation
            is AdminOperation.DescribeConsumerGroups
                or AdminOperation.ListConsumerGroupOffsets
                or AdminOperation.AlterConsumerGroupOffsets
                or AdminOperation.DeleteConsumerGroupOffsets;
}
