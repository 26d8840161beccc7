namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// The running transaction cannot be committed any more: abort it, and do its work again in a new one. Never reaches users.
/// </summary>
public sealed class AbortableTransactionException : Exception
{
    public AbortableTransactionException(string message)
        : base(message) { }

    public AbortableTransactionException(string message, Exception inner)
        : base(message, inner) { }

    public AbortableTransactionException() { }
}
