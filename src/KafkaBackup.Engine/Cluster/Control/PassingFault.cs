namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// Marks errors in which brokers say that they cannot answer yet: a coordinator that moves, a leader that is being elected. A request is
/// repeated for a short budget only; the mark tells a caller with more patience that it is worth asking again.
/// </summary>
internal static class PassingFault
{
    private const string Key = "KafkaBackup.Passing";

    /// <param name="code">What the brokers said; codes of the client library itself are below zero, and mean silence.</param>
    public static KafkaBackupException Mark(KafkaBackupException exception, Confluent.Kafka.ErrorCode code)
    {
        if (code > 0 && KafkaErrors.IsPassing(code))
        {
            exception.Data[Key] = true;
        }

        return exception;
    }

    public static bool Is(Exception exception) => exception.Data[Key] is true;
}
